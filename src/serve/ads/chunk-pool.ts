// Buffers for chunks on their way out, used again and again: a first sync of a thousand proxies copies gigabytes through them.

/** Buffers kept while nobody uses them. */
const idleLimit = 64;

export class ChunkPool {
  private readonly idle: Buffer[] = [];
  private readonly chunkBytes: number;

  constructor(chunkBytes: number) {
    this.chunkBytes = chunkBytes;
  }

  /** At least `size` bytes, whatever is in them; more than a chunk is not pooled. */
  take(size: number): Buffer {
    if (size * 2 < this.chunkBytes || size > this.chunkBytes) return Buffer.allocUnsafe(size);
    return this.idle.pop() ?? Buffer.allocUnsafeSlow(this.chunkBytes);
  }

  /** The bytes are out, and nobody has the buffer any more. */
  give(buffer: Buffer): void {
    if (buffer.length === this.chunkBytes && this.idle.length < idleLimit) this.idle.push(buffer);
  }
}
