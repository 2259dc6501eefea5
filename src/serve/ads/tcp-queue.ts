// What the kernel knows of a TCP connection and Node does not show: whether the other end's kernel has acknowledged what
// was sent. It tells a machine that is gone from a program that is busy.
import { readFile } from "node:fs/promises";
import { parseIp } from "../../kernel/ip-address.ts";

/** One connection, from this end. */
export interface TcpEnds {
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
}

/** Bytes sent and not acknowledged, for each connection; undefined where the system does not tell. */
export type UnacknowledgedBytes = (ends: readonly TcpEnds[]) => Promise<readonly (number | undefined)[]>;

/** Reads Linux' tables of this network namespace. */
export const unacknowledgedBytes: UnacknowledgedBytes = async (ends) => {
  const tables = await Promise.all(
    ["/proc/net/tcp", "/proc/net/tcp6"].map((file) => readFile(file, "latin1").catch(() => "")),
  );
  const queues = readTcpTables(tables.join("\n"), new Set(ends.map((end) => end.remotePort)));
  return ends.map((end) => queues.get(keyOf(end)));
};

/**
 * `tx_queue` by connection, from the text of `/proc/net/tcp` and `tcp6` (proc(5)).
 *
 * @param remotePorts only connections with one of these are read
 */
export function readTcpTables(text: string, remotePorts: ReadonlySet<number>): Map<string, number> {
  const queues = new Map<string, number>();
  for (const line of text.split("\n")) {
    const [, local = "", remote = "", , queue = ""] = line.trim().split(/ +/, 5);
    const [, localPort = ""] = local.split(":");
    const [address = "", remotePort = ""] = remote.split(":");
    const port = Number.parseInt(remotePort, 16);
    if (!remotePorts.has(port)) continue;
    const sent = Number.parseInt(queue.split(":")[0] ?? "", 16);
    if (Number.isNaN(sent)) continue;
    queues.set(`${Number.parseInt(localPort, 16)} ${addressKey(fromKernel(address))} ${port}`, sent);
  }
  return queues;
}

/** How `readTcpTables` names a connection. */
export function keyOf(ends: TcpEnds): string {
  return `${ends.localPort} ${addressKey(parseIp(ends.remoteAddress))} ${ends.remotePort}`;
}

/** The kernel prints addresses as 32-bit words of the machine's byte order, which is little-endian where Lateen runs. */
function fromKernel(hex: string): Uint8Array {
  const bytes = Buffer.from(hex, "hex");
  return bytes.length % 4 === 0 ? bytes.swap32() : bytes;
}

/** IPv4 mapped into IPv6 is the IPv4 address. */
function addressKey(bytes: Uint8Array | undefined): string {
  if (bytes === undefined) return "?";
  const mapped = bytes.length === 16 && bytes.subarray(0, 12).every((byte, index) => byte === (index < 10 ? 0 : 255));
  return (mapped ? bytes.subarray(12) : bytes).join(".");
}
