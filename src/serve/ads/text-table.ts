// Texts that come again and again, as a fleet's resource names and versions do: found by their bytes, without making a string, and
// one string for all.
import { isUtf8 } from "node:buffer";

/** Texts kept; about what five meshes of ten thousand resources say. */
const textLimit = 1 << 17;
/** Bytes of all of them. */
const bytesLimit = 8 << 20;
/** Longer texts are not kept. */
const longest = 256;
/** Versions of long ago are told no more, so it starts anew after so long, milliseconds; what is in use is back at once. */
const keptMs = 300_000;
const slotCount = textLimit * 2;
/** Slots that are looked at for one text: whoever makes texts that meet in one slot slows down nobody. */
const probeLimit = 32;

/** `names`: one text after the other; `entries`: name and version by turns. */
export type TextList = "names" | "entries";

/** Which text came after which, by number plus one: clients of one fleet say the same in the same order. */
class TextOrder {
  private readonly followers = new Int32Array(textLimit + 1);
  private last = 0;

  /** 0 where nothing is known. */
  get expected(): number {
    return this.followers[this.last] as number;
  }

  forget(): void {
    this.followers.fill(0);
    this.last = 0;
  }

  note(number: number): void {
    this.followers[this.last] = number;
    this.last = number;
  }
}

export class TextTable {
  /** Open addressing: number of a text plus one, 0 where there is none. */
  private readonly slots = new Int32Array(slotCount);
  private readonly order = { names: new TextOrder(), entries: new TextOrder() };
  private readonly texts: string[] = [];
  /** Where each text starts in `bytes`; one more at the end. */
  private readonly starts: number[] = [0];
  private bytes = Buffer.allocUnsafe(1 << 16);
  private hits = 0;
  private misses = 0;
  private startedMs = 0;

  /**
   * The text of the bytes from `start` to `end`; undefined where they are not UTF-8 (RFC 3629).
   *
   * @param list what it is read from: the texts of one kind of list come in the same order again
   */
  get(source: Buffer, start: number, end: number, list: TextList): string | undefined {
    const length = end - start;
    const order = this.order[list];
    const { expected } = order;
    if (expected !== 0 && this.isSame(expected - 1, source, start, length)) return this.found(expected, order);
    if (length > longest) return decode(source, start, end);
    let hash = length;
    for (let at = start; at < end; at++) hash = Math.imul(hash, 0x01000193) ^ (source[at] as number);
    let slot = (hash ^ (hash >>> 15)) & (slotCount - 1);
    for (let probes = 0; ; probes++) {
      if (probes === probeLimit) return decode(source, start, end);
      const number = this.slots[slot] as number;
      if (number === 0) break;
      if (this.isSame(number - 1, source, start, length)) return this.found(number, order);
      slot = (slot + 1) & (slotCount - 1);
    }
    this.misses += 1;
    const text = decode(source, start, end);
    if (text !== undefined && this.keep(text, source, start, end, slot)) order.note(this.texts.length);
    return text;
  }

  /** @param nowMs monotonic */
  expire(nowMs: number): void {
    if (nowMs - this.startedMs < keptMs) return;
    this.startedMs = nowMs;
    if (this.texts.length > 0) this.clear();
  }

  get counts(): { kept: number; limit: number; bytes: number; hits: number; misses: number } {
    const { hits, misses, texts, bytes } = this;
    return { kept: texts.length, limit: textLimit, bytes: bytes.length, hits, misses };
  }

  private found(number: number, order: TextOrder): string {
    this.hits += 1;
    order.note(number);
    return this.texts[number - 1] as string;
  }

  private isSame(number: number, source: Buffer, start: number, length: number): boolean {
    const from = this.starts[number] as number;
    if ((this.starts[number + 1] as number) - from !== length) return false;
    const { bytes } = this;
    for (let at = 0; at < length; at++) if (bytes[from + at] !== source[start + at]) return false;
    return true;
  }

  private keep(text: string, source: Buffer, start: number, end: number, slot: number): boolean {
    const from = this.starts[this.texts.length] as number;
    const to = from + end - start;
    if (this.texts.length >= textLimit || to > bytesLimit) {
      // Whoever fills it makes it slow for a moment; what is still in use is back at once.
      this.clear();
      return false;
    }
    if (to > this.bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(to, 2 * this.bytes.length));
      this.bytes.copy(grown, 0, 0, from);
      this.bytes = grown;
    }
    source.copy(this.bytes, from, start, end);
    this.texts.push(text);
    this.starts.push(to);
    this.slots[slot] = this.texts.length;
    return true;
  }

  private clear(): void {
    this.slots.fill(0);
    for (const order of Object.values(this.order)) order.forget();
    this.texts.length = 0;
    this.starts.length = 1;
    this.bytes = Buffer.allocUnsafe(1 << 16);
  }
}

function decode(source: Buffer, start: number, end: number): string | undefined {
  return isUtf8(source.subarray(start, end)) ? source.toString("utf8", start, end) : undefined;
}
