// One question to one resolver over TCP.
import { connect } from "node:net";
import type { ReadReply } from "./dns-reply.ts";
import { FrameReader, frame } from "./frame-reader.ts";
import type { ExchangeResult } from "./udp-exchange.ts";
import type { Upstream } from "./upstream.ts";

/**
 * Opens a connection for this question alone and takes the first message. Never rejects.
 *
 * @param read judges the reply
 * @param signal gives up
 */
export function exchangeOverTcp(
  upstream: Upstream,
  message: Uint8Array,
  read: (bytes: Uint8Array) => ReadReply,
  signal: AbortSignal,
): Promise<ExchangeResult> {
  if (signal.aborted) return Promise.resolve({ kind: "unreachable", reason: "given up" });
  return new Promise((resolve) => {
    const socket = connect({ host: upstream.address, port: upstream.port, noDelay: true });
    const reader = new FrameReader();
    let open = true;
    const finish = (result: ExchangeResult): void => {
      if (!open) return;
      open = false;
      signal.removeEventListener("abort", giveUp);
      socket.destroy();
      resolve(result);
    };
    const giveUp = (): void => finish({ kind: "unreachable", reason: "no answer in time" });
    signal.addEventListener("abort", giveUp);
    socket.on("error", (error) => finish({ kind: "unreachable", reason: error.message }));
    socket.on("close", () => finish({ kind: "unreachable", reason: "the resolver closed the connection" }));
    socket.on("data", (chunk: Buffer) => {
      const [first] = reader.push(chunk);
      if (first === undefined) return;
      const reply = read(first);
      // One connection, one question: a reply that does not fit, or is cut off here too, will not get better.
      if (reply.kind === "foreign") finish({ kind: "suspicious" });
      else finish(reply.kind === "truncated" ? { kind: "unreachable", reason: "cut off over TCP" } : reply);
    });
    socket.write(frame(message));
  });
}
