// Reads the messages of one gRPC stream, whichever side it is on.
import type { Http2Stream } from "node:http2";
import { LateenError } from "../../kernel/error.ts";
import { FrameDecoder } from "../../xds/grpc-frame.ts";

/**
 * Calls `onMessage` for each whole message. A stream that breaks framing or the limit is reported once through `onBad` and
 * read no further; so is an error that `onMessage` throws.
 *
 * @param limitBytes longest message
 */
export function readMessages(
  stream: Http2Stream,
  limitBytes: number,
  onMessage: (message: Uint8Array) => void,
  onBad: (error: unknown) => void,
): void {
  const decoder = new FrameDecoder(limitBytes);
  let bad = false;
  stream.on("data", (chunk: Uint8Array) => {
    if (bad) return;
    try {
      for (const message of decoder.push(chunk)) onMessage(message);
    } catch (error) {
      bad = true;
      onBad(error);
    }
  });
}

/** The code and message of an error of ours, or nothing of a foreign one, which may hold more than the peer should read. */
export function publicMessage(error: unknown): string {
  return error instanceof LateenError ? `${error.code} ${error.message}` : "internal error";
}
