// One request and its answer: bodies within bounds, JSON, streams of lines.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Clock } from "../../kernel/clock.ts";
import { bodyDeadlineMs, bodyLimit, warningCharacterLimit, warningLimit } from "./limits.ts";
import { StatusError } from "./status-error.ts";
import type { LineSink } from "./watch-objects.ts";

/** What is sent back. */
export type ApiReply =
  | { t: "json"; code: number; body: unknown; contentType?: string; warnings?: readonly string[] }
  /** Made already, or no JSON. */
  | { t: "text"; code: number; text: string; contentType: string }
  /** Sent as fast as the client takes it. */
  | { t: "stream"; code: number; stream: Readable; contentType: string }
  | { t: "lines"; run: (sink: LineSink) => Promise<void> };

export function jsonReply(code: number, body: unknown, warnings: readonly string[] = []): ApiReply {
  return { t: "json", code, body, warnings };
}

/**
 * The body as bytes.
 *
 * @throws StatusError 413, 415 where it is compressed, or 504 where it does not come in time
 */
export function readBody(request: IncomingMessage, clock: Clock): Promise<Uint8Array> {
  const encoding = request.headers["content-encoding"] ?? "identity";
  if (encoding !== "identity") {
    throw new StatusError("unsupportedMediaType", "bodies with a content encoding are not taken");
  }
  const stated = Number(request.headers["content-length"] ?? 0);
  if (stated > bodyLimit) throw tooLarge();
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const finish = (end: () => void): void => {
      cancel();
      request.off("data", onData).off("end", onEnd).off("close", onClose).off("error", onClose);
      end();
    };
    const onData = (chunk: Buffer): void => {
      bytes += chunk.length;
      if (bytes > bodyLimit) finish(() => reject(tooLarge()));
      else chunks.push(chunk);
    };
    const onEnd = (): void => finish(() => resolve(new Uint8Array(Buffer.concat(chunks))));
    const onClose = (): void => finish(() => reject(new StatusError("badRequest", "the body ended early")));
    const cancel = clock.after(bodyDeadlineMs, () => {
      finish(() => reject(new StatusError("timeout", `the body was not complete within ${bodyDeadlineMs / 1000} s`)));
    });
    request.on("data", onData).on("end", onEnd).on("close", onClose).on("error", onClose);
  });
}

function tooLarge(): StatusError {
  return new StatusError("tooLarge", `Request entity too large: limit is ${bodyLimit}`);
}

/** Sends the answer; for lines, resolves when the stream is over. */
export async function sendReply(
  request: IncomingMessage,
  response: ServerResponse,
  reply: ApiReply,
  stopping: AbortSignal,
): Promise<void> {
  if (response.destroyed) return;
  response.setHeader("x-content-type-options", "nosniff");
  response.setHeader("cache-control", "no-cache, private");
  response.setHeader("content-security-policy", "default-src 'none'; frame-ancestors 'none'");
  // Bytes of a body that was not read would be taken for the next request.
  if (!request.complete) response.setHeader("connection", "close");
  if (reply.t === "lines") return await sendLines(response, reply.run, stopping);
  if (reply.t === "stream") return await sendStream(request, response, reply, stopping);
  const text = reply.t === "text" ? reply.text : `${JSON.stringify(reply.body)}\n`;
  response.statusCode = reply.code;
  response.setHeader("content-type", reply.contentType ?? "application/json");
  if (reply.t === "json") {
    const headers = warningHeaders(reply.warnings ?? []);
    if (headers.length > 0) response.setHeader("warning", headers);
    const retry = (reply.body as { details?: { retryAfterSeconds?: number } } | undefined)?.details?.retryAfterSeconds;
    if (retry !== undefined) response.setHeader("retry-after", String(retry));
  }
  response.setHeader("content-length", Buffer.byteLength(text));
  response.end(request.method === "HEAD" ? undefined : text);
}

/** RFC 9111 §5.5 as Kubernetes uses it: code 299, no agent, a quoted text. */
export function warningHeaders(warnings: readonly string[]): string[] {
  const headers: string[] = [];
  let left = warningCharacterLimit;
  for (const warning of new Set(warnings)) {
    if (headers.length === warningLimit || left <= 0) break;
    // Header values are Latin-1 without control characters.
    const text = warning
      .replace(/[^\x20-\x7e]/g, "?")
      .slice(0, left)
      .replace(/["\\]/g, "\\$&");
    left -= text.length;
    headers.push(`299 - "${text}"`);
  }
  return headers;
}

async function sendStream(
  request: IncomingMessage,
  response: ServerResponse,
  reply: ApiReply & { t: "stream" },
  stopping: AbortSignal,
): Promise<void> {
  response.statusCode = reply.code;
  response.setHeader("content-type", reply.contentType);
  if (request.method === "HEAD") {
    reply.stream.destroy();
    response.end();
    return;
  }
  try {
    await pipeline(reply.stream, response, { signal: stopping });
  } catch {
    response.destroy(); // what was sent so far is not whole, and the client must see that
  }
}

async function sendLines(
  response: ServerResponse,
  run: (sink: LineSink) => Promise<void>,
  stopping: AbortSignal,
): Promise<void> {
  const gone = new AbortController();
  const abort = (): void => gone.abort();
  response.on("close", abort).on("error", abort);
  stopping.addEventListener("abort", abort, { once: true });
  response.statusCode = 200;
  response.setHeader("content-type", "application/json");
  response.flushHeaders();
  try {
    await run({
      write: (line) => {
        if (!gone.signal.aborted) response.write(line);
      },
      get waitingBytes() {
        return gone.signal.aborted ? 0 : response.writableLength;
      },
      drained: () =>
        new Promise((resolve) => {
          if (gone.signal.aborted || !response.writableNeedDrain) return resolve();
          const done = (): void => {
            response.off("drain", done);
            gone.signal.removeEventListener("abort", done);
            resolve();
          };
          response.on("drain", done);
          gone.signal.addEventListener("abort", done, { once: true });
        }),
      signal: gone.signal,
    });
  } finally {
    stopping.removeEventListener("abort", abort);
    response.end();
  }
}
