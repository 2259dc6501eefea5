// Domain names on the wire and as text.
//
// Text is lower case, without the final dot; the root is "". A byte other than a letter, digit, `-` or `_` is written as
// `\DDD` (RFC 1035 section 5.1), so that no label can pretend to be two and names are safe in logs.

import { headerLength } from "./dns-constant.ts";

/** RFC 1035 section 2.3.4, with the final zero byte. */
const wireLimit = 255;
const labelLimit = 63;

/** No real message nests pointers deeper; a crafted one must not make a 64 KiB message cost millions of steps. */
const jumpLimit = 16;

export interface ReadName {
  readonly name: string;
  /** Offset of the first byte after the name. */
  readonly end: number;
}

/**
 * @returns undefined where the name leaves the message, is too long, or points anywhere but backwards to a name
 */
export function readName(message: Uint8Array, offset: number): ReadName | undefined {
  let name = "";
  let at = offset;
  let end: number | undefined;
  /** Pointers must lead to before everything read so far. */
  let floor = offset;
  let length = 0;
  for (let jumps = 0; ; ) {
    const size = message[at];
    if (size === undefined) return undefined;
    if (size === 0) return { name, end: end ?? at + 1 };
    if (size >= 0xc0) {
      const low = message[at + 1];
      if (low === undefined || ++jumps > jumpLimit) return undefined;
      end ??= at + 2;
      at = ((size & 0x3f) << 8) | low;
      if (at >= floor || at < headerLength) return undefined;
      floor = at;
      continue;
    }
    length += size + 1;
    if (size > labelLimit || length >= wireLimit || at + size >= message.length) return undefined;
    if (name !== "") name += ".";
    for (let i = at + 1; i <= at + size; i++) name += labelText[message[i] ?? 0];
    at += size + 1;
  }
}

/** The text of each byte inside a label. */
const labelText: readonly string[] = Array.from({ length: 256 }, (_, byte) => {
  const character = String.fromCharCode(byte).toLowerCase();
  return byte < 128 && /[a-z0-9_-]/.test(character) ? character : `\\${String(byte).padStart(3, "0")}`;
});

/**
 * The wire form of a name in our text form; a final dot is allowed, escapes are not.
 *
 * @returns undefined where it is no name
 */
export function encodeName(text: string): Uint8Array | undefined {
  const trimmed = text.endsWith(".") ? text.slice(0, -1) : text;
  if (trimmed === "") return Uint8Array.of(0);
  const bytes: number[] = [];
  for (const label of trimmed.split(".")) {
    if (!/^[A-Za-z0-9_-]{1,63}$/.test(label)) return undefined;
    bytes.push(label.length);
    for (let i = 0; i < label.length; i++) bytes.push(label.charCodeAt(i));
  }
  bytes.push(0);
  return bytes.length > wireLimit ? undefined : Uint8Array.from(bytes);
}

const hostPattern = /^[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*$/;

/** The text form of a host name from configuration; undefined where it is none. */
export function normalizeName(text: string): string | undefined {
  // On the wire a name has a byte for each label's length, and a final zero.
  const isName = (name: string): boolean => name.length + 2 <= wireLimit && hostPattern.test(name);
  if (isName(text)) return text;
  const name = text.toLowerCase().replace(/\.$/, "");
  return isName(name) ? name : undefined;
}

/** True where `name` is `zone` or lies below it; both in text form. */
export function isWithin(name: string, zone: string): boolean {
  return zone === "" || name === zone || name.endsWith(`.${zone}`);
}
