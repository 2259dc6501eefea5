// Reads one gRPC message that came in chunks, without putting them together: bodies are passed over, never copied.

export class MessageReader {
  private readonly chunks: readonly Buffer[];
  private chunk = 0;
  private at: number;
  private left: number;

  /**
   * @param chunks hold the whole message
   * @param at where it starts in the first chunk
   */
  constructor(chunks: readonly Buffer[], at: number, length: number) {
    this.chunks = chunks;
    this.at = at;
    this.left = length;
  }

  get done(): boolean {
    return this.left === 0;
  }

  /** Bytes of the message that were not read yet. */
  get remaining(): number {
    return this.left;
  }

  /** What will remain after so many more bytes: the end of a nested message. */
  remainingAfter(length: number): number {
    return this.left - length;
  }

  byte(): number {
    for (;;) {
      const chunk = this.chunks[this.chunk] as Buffer;
      if (this.at < chunk.length) {
        this.left -= 1;
        return chunk[this.at++] as number;
      }
      this.chunk += 1;
      this.at = 0;
    }
  }

  varint(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.byte();
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  }

  skip(count: number): void {
    this.left -= count;
    let rest = count;
    for (;;) {
      const chunk = this.chunks[this.chunk] as Buffer;
      const here = chunk.length - this.at;
      if (rest <= here) {
        this.at += rest;
        return;
      }
      rest -= here;
      this.chunk += 1;
      this.at = 0;
    }
  }

  text(length: number): string {
    const chunk = this.chunks[this.chunk] as Buffer;
    if (this.at + length <= chunk.length) {
      const text = chunk.toString("latin1", this.at, this.at + length);
      this.at += length;
      this.left -= length;
      return text;
    }
    const bytes = Buffer.allocUnsafe(length);
    for (let at = 0; at < length; at++) bytes[at] = this.byte();
    return bytes.toString("latin1");
  }

  /** Passes over the value of a field of the given wire type. */
  skipField(wireType: number): void {
    if (wireType === 2) this.skip(this.varint());
    else if (wireType === 0) this.varint();
    else this.skip(wireType === 1 ? 8 : 4);
  }
}
