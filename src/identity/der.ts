// A strict look at DER before a library parses it: X.690 §8 and §10, with limits.
//
// The library accepts BER and recurses; what passes here has one encoding only and bounded depth and size.
import { concatBytes } from "../kernel/bytes.ts";
import { identityErrors } from "./errors.ts";

export interface DerLimits {
  /** Most bytes. */
  bytes: number;
  /** Deepest nesting of constructed values; default 16. */
  depth?: number;
  /** Most values in all; default 2,000. */
  values?: number;
}

const defaultDepth = 16;
const defaultValues = 2000;

/**
 * Accepts exactly one value with definite, minimal lengths, low tag numbers, minimal INTEGERs, BOOLEANs of 00 or FF and
 * strings in primitive form, and nothing after it.
 *
 * @throws LateenError LAT3004
 */
export function checkDer(bytes: Uint8Array, limits: DerLimits): void {
  if (bytes.length > limits.bytes) throw identityErrors.badDer(`more than ${limits.bytes} bytes`);
  const walk = { left: limits.values ?? defaultValues, deepest: limits.depth ?? defaultDepth };
  const end = checkValue(bytes, 0, bytes.length, 0, walk);
  if (end !== bytes.length) throw identityErrors.badDer(`${bytes.length - end} bytes follow the value`);
}

interface Walk {
  left: number;
  deepest: number;
}

function checkValue(bytes: Uint8Array, start: number, limit: number, depth: number, walk: Walk): number {
  walk.left -= 1;
  if (walk.left < 0) throw identityErrors.badDer("too many values");
  if (depth > walk.deepest) throw identityErrors.badDer(`nested deeper than ${walk.deepest}`);
  const tag = bytes[start];
  if (tag === undefined || start >= limit) throw identityErrors.badDer(`cut off at byte ${start}`);
  if ((tag & 0x1f) === 0x1f) throw identityErrors.badDer(`a high tag number at byte ${start}`);
  const { from, end } = readLength(bytes, start + 1, limit);
  if ((tag & 0x20) === 0) {
    checkPrimitive(bytes, tag, from, end);
    return end;
  }
  if ((tag & 0xc0) === 0 && tag !== 0x30 && tag !== 0x31) {
    throw identityErrors.badDer(`a constructed string at byte ${start}`);
  }
  let at = from;
  while (at < end) at = checkValue(bytes, at, end, depth + 1, walk);
  return end;
}

function readLength(bytes: Uint8Array, at: number, limit: number): { from: number; end: number } {
  const first = bytes[at];
  if (first === undefined || at >= limit) throw identityErrors.badDer(`cut off at byte ${at}`);
  let length = first;
  let from = at + 1;
  if (first >= 0x80) {
    const count = first & 0x7f;
    if (count === 0) throw identityErrors.badDer(`an indefinite length at byte ${at}`);
    if (count > 3) throw identityErrors.badDer(`a length of ${count} bytes at byte ${at}`);
    length = 0;
    for (let index = 0; index < count; index++) length = length * 256 + (bytes[from + index] ?? 0);
    from += count;
    if (length < 0x80 || length < 256 ** (count - 1)) throw identityErrors.badDer(`a padded length at byte ${at}`);
  }
  if (from + length > limit) throw identityErrors.badDer(`cut off at byte ${limit}`);
  return { from, end: from + length };
}

function checkPrimitive(bytes: Uint8Array, tag: number, from: number, end: number): void {
  const first = bytes[from] ?? 0;
  switch (tag) {
    case 0x01:
      if (end - from !== 1 || (first !== 0 && first !== 0xff)) throw identityErrors.badDer(`a bad BOOLEAN at ${from}`);
      return;
    case 0x02: {
      if (end === from) throw identityErrors.badDer(`an empty INTEGER at ${from}`);
      const second = bytes[from + 1] ?? 0;
      const padded = end - from > 1 && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80));
      if (padded) throw identityErrors.badDer(`a padded INTEGER at ${from}`);
      return;
    }
    case 0x03:
      if (end === from || first > 7 || (first > 0 && (end - from < 2 || unusedBits(bytes, end, first) !== 0))) {
        throw identityErrors.badDer(`a bad BIT STRING at ${from}`);
      }
      return;
    case 0x05:
      if (end !== from) throw identityErrors.badDer(`a bad NULL at ${from}`);
      return;
    case 0x06:
      if (end === from || ((bytes[end - 1] ?? 0) & 0x80) !== 0) throw identityErrors.badDer(`a bad OID at ${from}`);
      return;
    case 0x10:
    case 0x11:
      throw identityErrors.badDer(`a primitive SEQUENCE or SET at ${from}`);
  }
}

/** The bits of the last byte that a BIT STRING says it does not use; DER wants them zero. */
function unusedBits(bytes: Uint8Array, end: number, count: number): number {
  return (bytes[end - 1] ?? 0) & ((1 << count) - 1);
}

/** One value inside another. */
export interface DerValue {
  tag: number;
  content: Uint8Array;
  /** With its tag and length. */
  whole: Uint8Array;
}

/**
 * The values inside a constructed one. `bytes` must have passed `checkDer`.
 *
 * @throws LateenError LAT3004 where the value is primitive
 */
export function derChildren(bytes: Uint8Array): DerValue[] {
  const { from, end } = readLength(bytes, 1, bytes.length);
  if (((bytes[0] ?? 0) & 0x20) === 0) throw identityErrors.badDer("a SEQUENCE was expected");
  const children: DerValue[] = [];
  for (let at = from; at < end; ) {
    const child = readLength(bytes, at + 1, end);
    const content = bytes.subarray(child.from, child.end);
    children.push({ tag: bytes[at] ?? 0, content, whole: bytes.subarray(at, child.end) });
    at = child.end;
  }
  return children;
}

/** Writes a SEQUENCE of values that are encoded already. */
export function derSequence(...values: readonly Uint8Array[]): Uint8Array {
  return derValue(0x30, values);
}

/** Writes a BIT STRING of whole bytes. */
export function derBitString(bytes: Uint8Array): Uint8Array {
  return derValue(0x03, [new Uint8Array([0]), bytes]);
}

function derValue(tag: number, parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const head = [tag];
  if (length < 0x80) head.push(length);
  else if (length < 0x100) head.push(0x81, length);
  else if (length < 0x10000) head.push(0x82, length >> 8, length & 0xff);
  else head.push(0x83, length >> 16, (length >> 8) & 0xff, length & 0xff);
  return concatBytes([new Uint8Array(head), ...parts]);
}
