// gRPC's length-prefixed messages (PROTOCOL-HTTP2, "Length-Prefixed-Message"), without compression.
import { xdsErrors } from "./errors.ts";

/** Compressed flag (1 byte) and message length (4 bytes, big endian). */
const prefixBytes = 5;
/** Memory for a message of which no byte has come: its length is only a claim. */
const firstBytes = 4 << 10;
/** Memory for a message, as a multiple of what has come of it: few copies, and no cheap way to hold much. */
const aheadFactor = 4;

/** Most memory for a message of which so many bytes have come. */
export function mostMemory(needed: number): number {
  return Math.max(firstBytes, aheadFactor * needed);
}

/** Where messages are put together. */
export interface MessageMemory {
  /**
   * At least `needed` bytes, whatever is in them, for a message of `length` bytes of which so many have come: never more than
   * `mostMemory`.
   */
  take(needed: number, length: number): Uint8Array;
  /** The message has outgrown what was taken for it. */
  give(buffer: Uint8Array): void;
}

/** Each message has memory of its own, which nothing else uses before or after it. */
const ownMemory: MessageMemory = {
  take: (needed, length) => new Uint8Array(Math.min(length, mostMemory(needed))),
  give: () => {},
};

/** One uncompressed message with its prefix. The frame is a copy, so that it can be shared by many streams. */
export function encodeFrame(message: Uint8Array): Uint8Array {
  const frame = new Uint8Array(prefixBytes + message.length);
  new DataView(frame.buffer).setUint32(1, message.length);
  frame.set(message, prefixBytes);
  return frame;
}

/** A message of which more is to come. */
interface PartialMessage {
  readonly length: number;
  /** Grows with what has come, never beyond `length`. */
  buffer: Uint8Array;
  filled: number;
}

/** Takes the bytes of one stream as they arrive and gives back whole messages. */
export class FrameDecoder {
  private readonly limitBytes: number;
  private readonly memory: MessageMemory;
  private readonly prefix = new Uint8Array(prefixBytes);
  private prefixFilled = 0;
  private partial: PartialMessage | undefined;

  /** @param limitBytes longest message that is accepted; nothing is taken for a longer one */
  constructor(limitBytes: number, memory: MessageMemory = ownMemory) {
    this.limitBytes = limitBytes;
    this.memory = memory;
  }

  /** True between messages: a stream that ends elsewhere was cut. */
  get idle(): boolean {
    return this.prefixFilled === 0;
  }

  /** Memory held for a message of which more is to come, bytes. */
  get heldBytes(): number {
    return this.partial?.buffer.length ?? 0;
  }

  /**
   * The messages that this chunk completes, oldest first, each at the beginning of what was taken for it; none of them shares
   * memory with the chunk.
   *
   * @throws LateenError LAT2003 where a message is compressed or longer than the limit; the stream is then of no more use
   */
  push(chunk: Uint8Array): Uint8Array[] {
    const complete: Uint8Array[] = [];
    let at = 0;
    while (at < chunk.length) {
      if (this.partial === undefined) {
        const taken = chunk.subarray(at, at + prefixBytes - this.prefixFilled);
        this.prefix.set(taken, this.prefixFilled);
        this.prefixFilled += taken.length;
        at += taken.length;
        if (this.prefixFilled < prefixBytes) break;
        const length = this.readPrefix();
        const buffer = this.memory.take(Math.min(length, chunk.length - at), length);
        this.partial = { length, buffer, filled: 0 };
      }
      const { partial } = this;
      const taken = chunk.subarray(at, at + partial.length - partial.filled);
      this.append(partial, taken);
      at += taken.length;
      if (partial.filled === partial.length) {
        const { buffer, length } = partial;
        complete.push(buffer.length === length ? buffer : buffer.subarray(0, length));
        this.partial = undefined;
        this.prefixFilled = 0;
      }
    }
    return complete;
  }

  private readPrefix(): number {
    if (this.prefix[0] !== 0)
      throw xdsErrors.badFrame(`compressed flag ${this.prefix[0]}: compression is not supported`);
    const length = new DataView(this.prefix.buffer).getUint32(1);
    if (length > this.limitBytes) {
      throw xdsErrors.badFrame(`a message of ${length} bytes is longer than the limit of ${this.limitBytes}`);
    }
    return length;
  }

  /** Makes the buffer larger where it is too small: each byte is copied a bounded number of times, and memory follows what came. */
  private append(partial: PartialMessage, bytes: Uint8Array): void {
    const needed = partial.filled + bytes.length;
    if (needed > partial.buffer.length) {
      const outgrown = partial.buffer;
      partial.buffer = this.memory.take(needed, partial.length);
      partial.buffer.set(outgrown.subarray(0, partial.filled));
      this.memory.give(outgrown);
    }
    partial.buffer.set(bytes, partial.filled);
    partial.filled = needed;
  }
}
