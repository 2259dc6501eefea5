// A gRPC client on a Unix socket, as Envoy is one.
import { once } from "node:events";
import { type ClientHttp2Session, connect } from "node:http2";
import { connect as connectSocket } from "node:net";
import { ClientCall } from "./client-call.ts";
import type { GrpcEnd } from "./grpc-status.ts";

export class SocketClient {
  readonly session: ClientHttp2Session;

  constructor(path: string) {
    this.session = connect("http://localhost", { createConnection: () => connectSocket(path) });
    this.session.on("error", () => {});
  }

  call(path: string): RecordedCall {
    return new RecordedCall(this.session, path);
  }

  async close(): Promise<void> {
    if (this.session.destroyed) return;
    const closed = once(this.session, "close");
    this.session.destroy();
    await closed;
  }
}

/** Keeps what arrives, and lets a test wait for the next message or the end. */
export class RecordedCall {
  readonly messages: Uint8Array[] = [];
  readonly ended: Promise<GrpcEnd>;
  private readonly call: ClientCall;
  private read = 0;
  private wake: () => void = () => {};

  constructor(session: ClientHttp2Session, path: string) {
    let end: (end: GrpcEnd) => void = () => {};
    this.ended = new Promise((resolve) => {
      end = resolve;
    });
    this.call = new ClientCall(session, {
      path,
      limitBytes: 64 << 20,
      onMessage: (message) => {
        this.messages.push(message);
        this.wake();
      },
      onEnd: (result) => {
        end(result);
        this.wake();
      },
    });
  }

  send(message: Uint8Array): void {
    this.call.send(message);
  }

  cancel(): void {
    this.call.cancel();
  }

  /** The next message that was not taken yet. */
  async next(): Promise<Uint8Array> {
    for (;;) {
      const message = this.messages[this.read];
      if (message !== undefined) {
        this.read += 1;
        return message;
      }
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }
}
