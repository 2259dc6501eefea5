// One question to one resolver over UDP.
import { createSocket } from "node:dgram";
import { isIPv6 } from "node:net";
import type { ReadReply } from "./dns-reply.ts";
import type { Upstream } from "./upstream.ts";

/**
 * Wrong replies to one question before UDP is given up for it: somebody is guessing. With a port and an id chosen at
 * random for every question, 16 guesses succeed once in 2^28.
 */
const wrongReplyLimit = 16;

export type ExchangeResult =
  | Exclude<ReadReply, { kind: "foreign" }>
  /** Too many replies that do not belong to the question. */
  | { readonly kind: "suspicious" }
  /** Refused by the network, or given up. */
  | { readonly kind: "unreachable"; readonly reason: string };

/**
 * Sends the message from a socket of its own, so from a port that the kernel picks at random, and takes the first reply
 * that belongs to it. The socket is connected: the kernel drops what comes from anywhere else. Never rejects.
 *
 * @param read judges a reply
 * @param signal gives up
 */
export function exchangeOverUdp(
  upstream: Upstream,
  message: Uint8Array,
  read: (bytes: Uint8Array) => ReadReply,
  signal: AbortSignal,
): Promise<ExchangeResult> {
  if (signal.aborted) return Promise.resolve({ kind: "unreachable", reason: "given up" });
  return new Promise((resolve) => {
    const type = isIPv6(upstream.address) ? "udp6" : "udp4";
    // The address is one already; the usual lookup would ask the machine's resolver, which may be us.
    const socket = createSocket({ type, lookup: (name, _, done) => done(null, name, type === "udp6" ? 6 : 4) });
    let wrong = 0;
    let open = true;
    const finish = (result: ExchangeResult): void => {
      if (!open) return;
      open = false;
      signal.removeEventListener("abort", giveUp);
      socket.close();
      resolve(result);
    };
    const giveUp = (): void => finish({ kind: "unreachable", reason: "no answer in time" });
    const fail = (error: Error): void => finish({ kind: "unreachable", reason: error.message });
    signal.addEventListener("abort", giveUp);
    socket.on("error", fail);
    socket.on("message", (bytes) => {
      const reply = read(bytes);
      if (reply.kind !== "foreign") finish(reply);
      else if (++wrong >= wrongReplyLimit) finish({ kind: "suspicious" });
    });
    socket.connect(upstream.port, upstream.address, () => {
      if (open) socket.send(message, (error) => error !== null && fail(error));
    });
  });
}
