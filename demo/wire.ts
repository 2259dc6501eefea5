// Looks at what passes between the machines: TLS records, or text that anybody could read?
import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Network } from "../test/kit/network.ts";

export interface Wire {
  stop(): Promise<{ tlsRecords: number; plaintext: boolean }>;
}

/** Bytes that are kept of the capture. */
const limit = 64 << 20;

/** Captures the traffic to the application's port on the switch, with tcpdump. */
export async function watchWire(network: Network): Promise<Wire> {
  const filter = ["-i", "br0", "-U", "--immediate-mode", "-s", "0", "-w", "-", "tcp", "port", "9080"];
  const child = spawn("ip", ["netns", "exec", network.switchNamespace, "tcpdump", ...filter], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const chunks: Buffer[] = [];
  let kept = 0;
  child.stdout.on("data", (chunk: Buffer) => {
    if (kept < limit) chunks.push(chunk);
    kept += chunk.length;
  });
  await once(child.stderr, "data"); // "listening on br0"
  return {
    stop: async () => {
      child.kill("SIGINT");
      await once(child, "close");
      const bytes = Buffer.concat(chunks);
      return {
        tlsRecords: countTlsRecords(bytes),
        plaintext: bytes.includes("HTTP/1.1") || bytes.includes("reviews\r\n"),
      };
    },
  };
}

/** Application data records of TLS 1.2 and 1.3 (RFC 8446, 5.1: type 23, version 0x0303) that begin a segment or follow another. */
function countTlsRecords(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(header); at >= 0; at = bytes.indexOf(header, at + 1)) {
    const length = bytes.readUInt16BE(Math.min(at + 3, bytes.length - 2));
    if (length > 16 && length <= 16_640) count += 1;
  }
  return count;
}

const header = Buffer.from([0x17, 0x03, 0x03]);
