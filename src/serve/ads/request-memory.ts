// Memory for requests on their way in, used again and again: what a fleet holds comes to hundreds of megabytes when it comes back,
// and memory that is asked for anew is a collection of garbage every sixty-four of them.
import { type MessageMemory, mostMemory } from "../../xds/grpc-frame.ts";

/** Shorter messages share small buffers that Node keeps. */
const shortBytes = 16 << 10;
/** Longer ones have memory of their own: they are rare, and a few would be all that is kept. */
const longBytes = 1 << 20;
/** Of all buffers kept while nobody uses them, bytes. */
const idleLimit = 8 << 20;

export class RequestMemory implements MessageMemory {
  /** By size, a power of two. */
  private readonly idle = new Map<number, Buffer[]>();
  private idleBytes = 0;
  /** What was taken from here and not given back. */
  private readonly lent = new WeakSet<ArrayBufferLike>();

  take(needed: number, length: number): Uint8Array {
    const most = mostMemory(needed);
    const isPooled = length > shortBytes && length <= longBytes;
    if (!isPooled || most < shortBytes) return Buffer.allocUnsafe(Math.min(length, most));
    const size = Math.min(powerUpTo(most), powerFrom(length));
    const kept = this.idle.get(size)?.pop();
    if (kept !== undefined) this.idleBytes -= size;
    const buffer = kept ?? Buffer.allocUnsafeSlow(size);
    this.lent.add(buffer.buffer);
    return buffer;
  }

  /** @param message what was taken, or its beginning; nobody may use it any more */
  give({ buffer }: Uint8Array): void {
    const size = buffer.byteLength;
    if (!this.lent.delete(buffer) || this.idleBytes + size > idleLimit) return;
    const idle = this.idle.get(size) ?? [];
    idle.push(Buffer.from(buffer as ArrayBuffer));
    this.idle.set(size, idle);
    this.idleBytes += size;
  }

  /** Bytes kept while nobody uses them. */
  get counts(): { held: number; limit: number } {
    return { held: this.idleBytes, limit: idleLimit };
  }
}

/** The greatest power of two that is not greater. */
function powerUpTo(value: number): number {
  return 2 ** Math.floor(Math.log2(value));
}

/** The least power of two that is not less. */
function powerFrom(value: number): number {
  return 2 ** Math.ceil(Math.log2(value));
}
