// One gRPC call of ours on an HTTP/2 session: messages out, messages in, and how it ended.
import { type ClientHttp2Session, type ClientHttp2Stream, constants, type IncomingHttpHeaders } from "node:http2";
import { describeError } from "../../kernel/error.ts";
import { encodeFrame } from "../../xds/grpc-frame.ts";
import { type GrpcEnd, grpcStatus, readStatusMessage } from "./grpc-status.ts";
import { readMessages } from "./read-messages.ts";

export interface ClientCallOptions {
  /** `/package.Service/Method`. */
  path: string;
  headers?: Record<string, string>;
  /** Longest message that is accepted, bytes. */
  limitBytes: number;
  /** Headers of the server, before any message. */
  onHeaders?(headers: IncomingHttpHeaders): void;
  onMessage(message: Uint8Array): void;
  /** Called once, whatever happened. */
  onEnd(end: GrpcEnd): void;
  /** Headers or data arrived. */
  onActivity?(): void;
}

export class ClientCall {
  private readonly stream: ClientHttp2Stream;
  private readonly onEnd: (end: GrpcEnd) => void;
  private end: GrpcEnd | undefined;

  constructor(session: ClientHttp2Session, options: ClientCallOptions) {
    this.onEnd = options.onEnd;
    const stream = session.request(
      {
        ":method": "POST",
        ":path": options.path,
        "content-type": "application/grpc",
        te: "trailers",
        "user-agent": "lateen-agent",
        ...options.headers,
      },
      { endStream: false },
    );
    this.stream = stream;
    stream.on("response", (headers) => {
      options.onActivity?.();
      const status = headers[":status"];
      if (status !== 200) this.finish({ status: grpcStatus.unavailable, message: `HTTP status ${status}` });
      else {
        if (this.end === undefined) options.onHeaders?.(headers);
        this.readStatus(headers);
      }
    });
    stream.on("data", () => options.onActivity?.());
    stream.on("trailers", (headers: IncomingHttpHeaders) => this.readStatus(headers));
    stream.on("error", (error) => this.finish({ status: grpcStatus.unavailable, message: describeError(error) }));
    stream.on("close", () => this.finish({ status: grpcStatus.unavailable, message: "the connection was closed" }));
    readMessages(
      stream,
      options.limitBytes,
      (message) => {
        if (this.end === undefined) options.onMessage(message);
      },
      (error) => this.finish({ status: grpcStatus.internal, message: describeError(error) }),
    );
  }

  /** Sends one message; nothing happens once the call has ended. */
  send(message: Uint8Array): void {
    if (this.end === undefined && !this.stream.destroyed) this.stream.write(encodeFrame(message));
  }

  /** Ends the call from our side, without a word from the server. */
  cancel(): void {
    this.finish({ status: grpcStatus.cancelled, message: "" });
  }

  private readStatus(headers: IncomingHttpHeaders): void {
    const status = headers["grpc-status"];
    if (status === undefined) return;
    this.finish({ status: Number(status), message: readStatusMessage(headers["grpc-message"]) });
  }

  private finish(end: GrpcEnd): void {
    if (this.end !== undefined) return;
    this.end = end;
    if (!this.stream.destroyed) this.stream.close(constants.NGHTTP2_CANCEL);
    this.onEnd(end);
  }
}
