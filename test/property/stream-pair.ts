// Both ends of an HTTP/2 stream in memory: bytes go from one to the other when the test lets them.
import { EventEmitter } from "node:events";
import type { ServerHttp2Stream } from "node:http2";

interface Chunk {
  readonly bytes: Uint8Array;
  /** The server may go on writing. */
  readonly taken: (error?: Error | null) => void;
}

/** As much of the server's end as a gRPC server uses of it. */
class ServerEnd extends EventEmitter {
  readonly written: Chunk[] = [];
  readonly session = { destroy: (): void => this.destroy() };
  /** Trailers, once the server has ended the stream. */
  ended: Readonly<Record<string, unknown>> | undefined;
  closed = false;

  respond(): void {}
  pause(): void {}
  resume(): void {}

  write(bytes: Uint8Array, taken: (error?: Error | null) => void): boolean {
    if (!this.closed) this.written.push({ bytes, taken });
    return true;
  }

  sendTrailers(trailers: Readonly<Record<string, unknown>>): void {
    this.ended = trailers;
  }

  end(): void {
    this.emit("wantTrailers");
  }

  close(): void {
    this.destroy();
  }

  destroy(): void {
    if (this.closed) return;
    this.closed = true;
    this.written.length = 0;
    this.emit("close");
  }
}

export class StreamPair {
  private readonly end = new ServerEnd();
  private readonly requests: Uint8Array[] = [];
  private readonly onBytes: (bytes: Uint8Array) => void;
  private clientGone = false;

  /** @param onBytes what the client hears */
  constructor(onBytes: (bytes: Uint8Array) => void) {
    this.onBytes = onBytes;
  }

  get serverStream(): ServerHttp2Stream {
    return this.end as unknown as ServerHttp2Stream;
  }

  /** The client sends bytes; they are on their way. */
  send(bytes: Uint8Array): void {
    if (!this.clientGone) this.requests.push(bytes);
  }

  /** Chunks on their way; none where the ends have lost each other. */
  get waiting(): { toServer: number; toClient: number } {
    return this.clientGone
      ? { toServer: 0, toClient: 0 }
      : { toServer: this.requests.length, toClient: this.end.written.length };
  }

  /** Lets the server hear what was sent first. */
  deliverToServer(): void {
    const bytes = this.requests.shift();
    if (bytes !== undefined && !this.end.closed) this.end.emit("data", bytes);
  }

  /** Lets the client hear what was written first. */
  deliverToClient(): void {
    if (this.clientGone) return;
    const chunk = this.end.written.shift();
    if (chunk === undefined) return;
    this.onBytes(chunk.bytes);
    chunk.taken();
  }

  /** The client is gone; the server learns of it by `serverNotices`. What is on its way is lost. */
  cut(): void {
    this.clientGone = true;
    this.requests.length = 0;
  }

  serverNotices(): void {
    this.end.destroy();
  }

  /** Status and message by which the server ended the stream; undefined while it did not. */
  get ended(): Readonly<Record<string, unknown>> | undefined {
    return this.end.ended;
  }
}
