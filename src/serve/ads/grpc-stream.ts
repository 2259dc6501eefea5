// One bidirectional gRPC stream over node:http2: messages in, messages out in chunks, status in the trailers.
import { constants, type ServerHttp2Stream } from "node:http2";
import type { Cancel, Clock } from "../../kernel/clock.ts";
import { capabilitiesHeader, formatCapabilities, routePartsCapability } from "../../xds/capability.ts";
import { FrameDecoder, type MessageMemory } from "../../xds/grpc-frame.ts";
import { type GrpcStatus, grpcCodes, grpcTrailers } from "../grpc-status.ts";
import type { ChunkPool } from "./chunk-pool.ts";
import type { AdsLimits } from "./limits.ts";
import type { ResponseParts } from "./response-parts.ts";

export interface GrpcStreamHandler {
  /** A whole message, at the beginning of what was taken of the memory. What it throws ends the stream. */
  message(bytes: Uint8Array): void;
  /** Memory that a message of which more is to come holds, bytes; called after each chunk while the stream is open. */
  holds(bytes: number): void;
  /** The stream failed while reading: not gRPC, too long, or the handler threw. */
  failed(error: unknown): void;
  /** The client will send no more. */
  ended(): void;
  /** The stream is gone, for whatever reason. Called once, last. */
  closed(): void;
}

/** A client that does not take the end of its stream is dropped after so long, milliseconds. */
const lingerMs = 10_000;
const capabilities = formatCapabilities([routePartsCapability]);

/** A message on its way out. */
interface Outgoing {
  readonly parts: readonly Uint8Array[];
  part: number;
  offset: number;
  readonly done: () => void;
}

export class GrpcStream {
  private readonly stream: ServerHttp2Stream;
  private readonly limits: Pick<AdsLimits, "requestBytes" | "chunkBytes">;
  private readonly chunks: ChunkPool;
  private readonly clock: Clock;
  private readonly handler: GrpcStreamHandler;
  private readonly decoder: FrameDecoder;
  private readonly trailers: { status: GrpcStatus } = { status: { code: grpcCodes.ok, message: "" } };
  private outgoing: Outgoing | undefined;
  private chunkSinceMs = 0;
  private cancelLinger: Cancel = () => {};
  private state: "open" | "ending" | "closed" = "open";

  constructor(
    stream: ServerHttp2Stream,
    options: {
      limits: Pick<AdsLimits, "requestBytes" | "chunkBytes">;
      chunks: ChunkPool;
      memory: MessageMemory;
      clock: Clock;
      handler: GrpcStreamHandler;
    },
  ) {
    this.stream = stream;
    this.limits = options.limits;
    this.chunks = options.chunks;
    this.clock = options.clock;
    this.handler = options.handler;
    this.decoder = new FrameDecoder(options.limits.requestBytes, options.memory);
    stream.on("wantTrailers", () => {
      stream.sendTrailers(grpcTrailers(this.trailers.status));
      // The client may go on sending; as gRPC servers do, end its half with NO_ERROR once the trailers are out.
      setImmediate(() => stream.close(constants.NGHTTP2_NO_ERROR));
    });
    stream.on("error", () => {}); // "close" follows and says all that is needed
    stream.on("close", () => this.close());
    stream.on("data", (chunk: Uint8Array) => this.receive(chunk));
    stream.on("end", () => {
      if (this.state === "open") this.handler.ended();
    });
    stream.respond(
      { ":status": 200, "content-type": "application/grpc", [capabilitiesHeader]: capabilities },
      { waitForTrailers: true },
    );
  }

  /** True while a message is being handed to HTTP/2. */
  get writing(): boolean {
    return this.outgoing !== undefined;
  }

  /** Milliseconds since the client took a chunk; 0 where nothing waits. */
  get stalledMs(): number {
    return this.outgoing === undefined ? 0 : this.clock.monotonic() - this.chunkSinceMs;
  }

  /** Bytes of the message on its way that are not handed over yet. */
  get waitingBytes(): number {
    if (this.outgoing === undefined) return 0;
    const { parts, part, offset } = this.outgoing;
    return parts.slice(part).reduce((sum, { length }) => sum + length, -offset);
  }

  /**
   * Sends one message. There must not be another on its way.
   *
   * @param done called when the last chunk has been taken; never called where the stream ends before
   */
  send(response: ResponseParts, done: () => void): void {
    this.outgoing = { parts: response.parts, part: 0, offset: 0, done };
    this.writeChunk();
  }

  /** Leaves what the client sends unread until `resume`. */
  pause(): void {
    this.stream.pause();
  }

  resume(): void {
    this.stream.resume();
  }

  /** Ends the stream with a status. A message that is half sent is cut off. */
  end(status: GrpcStatus): void {
    if (this.state !== "open") return;
    this.state = "ending";
    const halfSent = this.outgoing !== undefined && this.outgoing.part < this.outgoing.parts.length;
    this.outgoing = undefined;
    this.trailers.status = status;
    // Trailers after half a message would say less than a reset does, and may be stuck behind it for long.
    if (halfSent) this.stream.close(constants.NGHTTP2_CANCEL);
    else this.stream.end();
    this.stream.resume();
    this.cancelLinger = this.clock.after(lingerMs, () => this.stream.destroy());
  }

  /** Drops the whole connection: the client does not even take what ends a stream. */
  cut(): void {
    this.state = "ending";
    this.outgoing = undefined;
    const { session } = this.stream;
    this.stream.destroy();
    session?.destroy();
  }

  private receive(chunk: Uint8Array): void {
    if (this.state !== "open") return;
    try {
      for (const message of this.decoder.push(chunk)) {
        if (this.state !== "open") return;
        this.handler.message(message);
      }
      if (this.state === "open") this.handler.holds(this.decoder.heldBytes);
    } catch (error) {
      this.handler.failed(error);
    }
  }

  private writeChunk(): void {
    const { outgoing } = this;
    if (outgoing === undefined || this.state !== "open") return;
    const chunk = nextChunk(outgoing, this.limits.chunkBytes, this.chunks);
    if (chunk === undefined) {
      this.outgoing = undefined;
      outgoing.done();
      return;
    }
    this.chunkSinceMs = this.clock.monotonic();
    this.stream.write(chunk.bytes, (error) => {
      if (error !== null && error !== undefined) return; // who knows who still reads the buffer
      if (chunk.buffer !== undefined) this.chunks.give(chunk.buffer);
      this.writeChunk();
    });
  }

  private close(): void {
    if (this.state === "closed") return;
    this.state = "closed";
    this.cancelLinger();
    this.outgoing = undefined;
    this.handler.closed();
  }
}

/** A view of a long piece, or a copy of several short ones in a buffer of the pool. */
interface Chunk {
  readonly bytes: Uint8Array;
  readonly buffer?: Buffer;
}

/** The next bytes of a message. */
function nextChunk(outgoing: Outgoing, chunkBytes: number, chunks: ChunkPool): Chunk | undefined {
  const first = outgoing.parts[outgoing.part];
  if (first === undefined) return undefined;
  const left = first.length - outgoing.offset;
  if (left >= chunkBytes) {
    const bytes = first.subarray(outgoing.offset, outgoing.offset + chunkBytes);
    advance(outgoing, bytes.length, first.length);
    return { bytes };
  }
  const size = Math.min(chunkBytes, bytesLeft(outgoing, chunkBytes));
  const buffer = chunks.take(size);
  for (let filled = 0; filled < size; ) {
    const part = outgoing.parts[outgoing.part] as Uint8Array;
    const piece = part.subarray(outgoing.offset, outgoing.offset + size - filled);
    buffer.set(piece, filled);
    filled += piece.length;
    advance(outgoing, piece.length, part.length);
  }
  return { bytes: buffer.length === size ? buffer : buffer.subarray(0, size), buffer };
}

function advance(outgoing: Outgoing, count: number, partLength: number): void {
  outgoing.offset += count;
  if (outgoing.offset < partLength) return;
  outgoing.part += 1;
  outgoing.offset = 0;
  // A resource may be empty: a message that ends in one is out with the byte before.
  while (outgoing.parts[outgoing.part]?.length === 0) outgoing.part += 1;
}

/** Bytes of the rest of the message, counted no further than `enough`. */
function bytesLeft(outgoing: Outgoing, enough: number): number {
  let bytes = -outgoing.offset;
  for (let at = outgoing.part; at < outgoing.parts.length && bytes < enough; at++) {
    bytes += outgoing.parts[at]?.length ?? 0;
  }
  return bytes;
}
