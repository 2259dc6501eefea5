// Proxies of a fleet that start ask for the same thousand names in the same bytes. Such a request is read once: who says it
// again gets the very message, by which the names are known to be the same.
import type { DeltaMessage } from "./discovery-request.ts";

/** Shorter requests are read as fast as they are found. Bytes. */
const shortest = 256;
/** Longer ones are not kept. Bytes. */
const longest = 256 << 10;
/** Requests that are kept. */
const requestLimit = 8;
/** A request is dropped when nobody said it this long, milliseconds. */
const keptMs = 2_000;

interface Kept {
  readonly bytes: Buffer;
  readonly message: DeltaMessage;
  usedAtMs: number;
}

export class RecentRequests {
  /** Newest use last. */
  private requests: Kept[] = [];
  private hits = 0;
  private misses = 0;

  /**
   * What the bytes say.
   *
   * @param nowMs monotonic
   * @param read reads them where nobody said the same lately
   */
  read(bytes: Uint8Array, nowMs: number, read: (bytes: Uint8Array) => DeltaMessage): DeltaMessage {
    if (bytes.length < shortest || bytes.length > longest) return read(bytes);
    const at = this.requests.findIndex((kept) => kept.bytes.equals(bytes));
    const [known] = at < 0 ? [] : this.requests.splice(at, 1);
    if (known !== undefined) {
      this.hits += 1;
      known.usedAtMs = nowMs;
      this.requests.push(known);
      return known.message;
    }
    this.misses += 1;
    const message = read(bytes);
    if (!isOpening(message)) return message;
    if (this.requests.length >= requestLimit) this.requests.shift();
    this.requests.push({ bytes: Buffer.from(bytes), message, usedAtMs: nowMs });
    return message;
  }

  /** Forgets what was not said lately. */
  expire(nowMs: number): void {
    this.requests = this.requests.filter(({ usedAtMs }) => nowMs - usedAtMs <= keptMs);
  }

  get counts(): { kept: number; limit: number; bytes: number; hits: number; misses: number } {
    const bytes = this.requests.reduce((sum, kept) => sum + kept.bytes.length, 0);
    return { kept: this.requests.length, limit: requestLimit, bytes, hits: this.hits, misses: this.misses };
  }
}

/** Only what says nothing of the one that sends it comes in the same bytes from another. */
function isOpening({ node, nonce, error, initialVersions, unsubscribe }: DeltaMessage): boolean {
  const isPlain = node === undefined && nonce === "" && error === undefined;
  return isPlain && initialVersions.size === 0 && unsubscribe.length === 0;
}
