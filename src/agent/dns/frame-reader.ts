// DNS over TCP: messages with their length in front (RFC 1035 section 4.2.2).

/** Length-prefixed bytes of one message. */
export function frame(message: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(2 + message.length);
  bytes[0] = message.length >> 8;
  bytes[1] = message.length & 0xff;
  bytes.set(message, 2);
  return bytes;
}

/** Puts chunks together again. It holds one message at most, so 65,537 bytes and the chunk being read. */
export class FrameReader {
  private chunks: Uint8Array[] = [];
  private held = 0;

  /** Adds a chunk; returns the messages that it completes. */
  push(chunk: Uint8Array): Uint8Array[] {
    this.chunks.push(chunk);
    this.held += chunk.length;
    const messages: Uint8Array[] = [];
    for (;;) {
      const length = this.nextLength();
      if (length === undefined || this.held < 2 + length) return messages;
      const all = this.chunks.length === 1 ? (this.chunks[0] ?? chunk) : Buffer.concat(this.chunks);
      messages.push(all.subarray(2, 2 + length));
      const rest = all.subarray(2 + length);
      this.chunks = rest.length === 0 ? [] : [rest];
      this.held = rest.length;
    }
  }

  private nextLength(): number | undefined {
    if (this.held < 2) return undefined;
    const [first, second] = this.chunks;
    if (first === undefined) return undefined;
    const low = first.length > 1 ? first[1] : second?.[0];
    return ((first[0] ?? 0) << 8) | (low ?? 0);
  }
}
