// gRPC's length-prefixed messages (PROTOCOL-HTTP2, "Length-Prefixed-Message"), without compression.
import { xdsErrors } from "./errors.ts";

/** Compressed flag (1 byte) and message length (4 bytes, big endian). */
const prefixBytes = 5;

/** One uncompressed message with its prefix. The frame is a copy, so that it can be shared by many streams. */
export function encodeFrame(message: Uint8Array): Uint8Array {
  const frame = new Uint8Array(prefixBytes + message.length);
  new DataView(frame.buffer).setUint32(1, message.length);
  frame.set(message, prefixBytes);
  return frame;
}

/** Takes the bytes of one stream as they arrive and gives back whole messages. */
export class FrameDecoder {
  private readonly limitBytes: number;
  private readonly prefix = new Uint8Array(prefixBytes);
  private prefixFilled = 0;
  private message: Uint8Array | undefined;
  private messageFilled = 0;

  /** @param limitBytes longest message that is accepted; nothing is allocated for a longer one */
  constructor(limitBytes: number) {
    this.limitBytes = limitBytes;
  }

  /** True between messages: a stream that ends elsewhere was cut. */
  get idle(): boolean {
    return this.prefixFilled === 0;
  }

  /**
   * The messages that this chunk completes, oldest first; none of them shares memory with the chunk.
   *
   * @throws LateenError LAT2003 where a message is compressed or longer than the limit; the stream is then of no more use
   */
  push(chunk: Uint8Array): Uint8Array[] {
    const complete: Uint8Array[] = [];
    let at = 0;
    while (at < chunk.length) {
      if (this.message === undefined) {
        const taken = chunk.subarray(at, at + prefixBytes - this.prefixFilled);
        this.prefix.set(taken, this.prefixFilled);
        this.prefixFilled += taken.length;
        at += taken.length;
        if (this.prefixFilled < prefixBytes) break;
        this.message = new Uint8Array(this.readPrefix());
        this.messageFilled = 0;
      }
      const taken = chunk.subarray(at, at + this.message.length - this.messageFilled);
      this.message.set(taken, this.messageFilled);
      this.messageFilled += taken.length;
      at += taken.length;
      if (this.messageFilled === this.message.length) {
        complete.push(this.message);
        this.message = undefined;
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
}
