// One gRPC call that a local client makes: messages in, messages out, a status at the end.
import type { ServerHttp2Stream } from "node:http2";
import { LateenError } from "../../kernel/error.ts";
import { encodeFrame } from "../../xds/grpc-frame.ts";
import { type GrpcStatus, grpcStatus, writeStatusMessage } from "./grpc-status.ts";
import { publicMessage, readMessages } from "./read-messages.ts";

/** What handles a call. */
export interface CallListener {
  /** One message; what it throws ends the call: errors of ours as INVALID_ARGUMENT, others as INTERNAL. */
  message(bytes: Uint8Array): void;
  /** The call is over; nothing more can be sent. Called once. */
  closed(): void;
}

/** A call as its handler sees it. */
export interface GrpcCall {
  /** Sends one message; nothing happens once the call is over. The stream keeps it until the client reads. */
  send(message: Uint8Array): void;
  /** Ends the call; only the first end counts. */
  end(status: GrpcStatus, message: string): void;
}

/** Takes a call; what it throws refuses the call as RESOURCE_EXHAUSTED. */
export type CallHandler = (call: GrpcCall) => CallListener;

export class ServerCall implements GrpcCall {
  private readonly stream: ServerHttp2Stream;
  private ended = false;

  /** Answers the headers and hands messages to the handler's listener from then on. */
  constructor(stream: ServerHttp2Stream, handler: CallHandler, limitBytes: number) {
    this.stream = stream;
    stream.on("error", () => {}); // reported by close
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.on("end", () => this.end(grpcStatus.ok, ""));
    let listener: CallListener;
    try {
      listener = handler(this);
    } catch (error) {
      stream.resume();
      this.end(grpcStatus.resourceExhausted, publicMessage(error));
      return;
    }
    stream.on("close", () => {
      this.ended = true;
      listener.closed();
    });
    readMessages(
      stream,
      limitBytes,
      (message) => {
        if (!this.ended) listener.message(message);
      },
      (error) =>
        this.end(error instanceof LateenError ? grpcStatus.invalidArgument : grpcStatus.internal, publicMessage(error)),
    );
  }

  send(message: Uint8Array): void {
    if (!this.ended && !this.stream.destroyed) this.stream.write(encodeFrame(message));
  }

  end(status: GrpcStatus, message: string): void {
    if (this.ended || this.stream.destroyed) return;
    this.ended = true;
    this.stream.once("wantTrailers", () => {
      this.stream.sendTrailers({ "grpc-status": String(status), "grpc-message": writeStatusMessage(message) });
    });
    this.stream.end();
  }
}

/** Answers a call without a handler: headers and status in one block. */
export function refuseCall(stream: ServerHttp2Stream, status: GrpcStatus, message: string): void {
  stream.on("error", () => {});
  stream.resume();
  stream.respond(
    {
      ":status": 200,
      "content-type": "application/grpc",
      "grpc-status": String(status),
      "grpc-message": writeStatusMessage(message),
    },
    { endStream: true },
  );
}
