// Escapes and bracket classes of RE2's syntax.
import type { Cursor } from "./re2-cursor.ts";

/** Instructions of a class such as `\w`, and of one of Unicode, of which only Latin-1 counts (estimates). */
const asciiClassSize = 4;
const unicodeClassSize = 8;

/** Largest character of Envoy's Latin-1 mode. */
const largestCharacter = 0xff;

const posixClass = /^\[:\^?(?:alnum|alpha|ascii|blank|cntrl|digit|graph|lower|print|punct|space|upper|word|xdigit):\]/;

/** Longest spelling of a POSIX class, `[:^xdigit:]`, characters. */
const posixClassLength = 11;

/** After the backslash. `value` is the code point it stands for, undefined where it stands for a class or a place. */
export function readEscape(cursor: Cursor): { size: number; value: number | undefined } {
  const char = cursor.chars[cursor.position] ?? "";
  cursor.position += 1;
  if (char === "Q") return { size: readQuoted(cursor), value: undefined };
  if (/^[AbBzC]$/.test(char)) return { size: 1, value: undefined };
  if (/^[dDsSwW]$/.test(char)) return { size: asciiClassSize, value: undefined };
  if (char === "p" || char === "P") return readUnicodeClass(cursor);
  return readCharacterEscape(cursor, char);
}

function readCharacterEscape(cursor: Cursor, char: string): { size: number; value: number | undefined } {
  const simple = { a: 7, f: 12, t: 9, n: 10, r: 13, v: 11 }[char];
  if (simple !== undefined) return { size: 1, value: simple };
  if (char === "x") return readHex(cursor);
  if (/^[0-7]$/.test(char)) return readOctal(cursor, char);
  if (/^[89k]$/.test(char)) return fail(cursor, "backreference");
  // Escaped ASCII punctuation stands for itself; escaped letters without a meaning are errors.
  if (/^[!-/:-@[-`{-~ ]$/.test(char)) return { size: 1, value: char.codePointAt(0) };
  return fail(cursor, "syntax");
}

/** `\1` is a backreference, `\12` an octal number. */
function readOctal(cursor: Cursor, first: string): { size: number; value: number | undefined } {
  let digits = first;
  while (digits.length < 3 && /^[0-7]$/.test(cursor.chars[cursor.position] ?? "")) {
    digits += cursor.chars[cursor.position];
    cursor.position += 1;
  }
  if (digits.length === 1 && first !== "0") return fail(cursor, "backreference");
  const value = Number.parseInt(digits, 8);
  return value <= largestCharacter ? { size: 1, value } : fail(cursor, "syntax");
}

/** `\x7F` or `\x{7F}`. */
function readHex(cursor: Cursor): { size: number; value: number | undefined } {
  const rest = cursor.chars.slice(cursor.position, cursor.position + 10).join("");
  const match = /^(?:([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]{1,8})\})/.exec(rest);
  const value = match === null ? Number.NaN : Number.parseInt(match[1] ?? match[2] ?? "", 16);
  if (!(value <= largestCharacter)) return fail(cursor, "syntax");
  cursor.position += match?.[0].length ?? 0;
  return { size: 1, value };
}

/** `\pN` or `\p{Greek}`. */
function readUnicodeClass(cursor: Cursor): { size: number; value: undefined } {
  const rest = cursor.chars.slice(cursor.position, cursor.position + 40).join("");
  const match = /^(?:[CLMNPSZ]|\{\^?[A-Za-z_]{1,36}\})/.exec(rest);
  if (match === null || !isUnicodeClass(match[0].replace(/[{^}]/g, ""))) return fail(cursor, "syntax");
  cursor.position += match[0].length;
  return { size: unicodeClassSize, value: undefined };
}

/** General categories and scripts, which RE2 names as Unicode does; JavaScript's engine has the same list. */
function isUnicodeClass(name: string): boolean {
  if (name === "Any") return true;
  try {
    new RegExp(name.length <= 2 ? `\\p{General_Category=${name}}` : `\\p{Script=${name}}`, "u");
    return true;
  } catch {
    return false;
  }
}

/** Text up to `\E` or the end is literal. */
function readQuoted(cursor: Cursor): number {
  const start = cursor.position;
  while (cursor.position < cursor.chars.length) {
    if (cursor.chars[cursor.position] === "\\" && cursor.chars[cursor.position + 1] === "E") {
      cursor.position += 2;
      return cursor.position - start;
    }
    cursor.position += 1;
  }
  return cursor.position - start;
}

/** After the `[`; returns the estimated size. */
export function readClass(cursor: Cursor): number {
  let size = 0;
  const negated = cursor.chars[cursor.position] === "^";
  if (negated) {
    cursor.position += 1;
    size += 1;
  }
  for (let first = true; cursor.fault === undefined; first = false) {
    const char = cursor.chars[cursor.position];
    if (char === undefined) {
      cursor.fault = "syntax";
      break;
    }
    if (char === "]" && !first) {
      cursor.position += 1;
      break;
    }
    size += readClassItem(cursor, char);
  }
  return size;
}

function readClassItem(cursor: Cursor, char: string): number {
  if (char === "[" && cursor.chars[cursor.position + 1] === ":") {
    const rest = cursor.chars.slice(cursor.position, cursor.position + posixClassLength).join("");
    const match = posixClass.exec(rest);
    if (match !== null) {
      cursor.position += match[0].length;
      return asciiClassSize;
    }
    if (/^\[:\^?\w*:\]/.test(rest)) {
      cursor.fault = "syntax";
      return 0;
    }
  }
  const low = readClassCharacter(cursor);
  const isRange =
    low.value !== undefined &&
    cursor.chars[cursor.position] === "-" &&
    cursor.chars[cursor.position + 1] !== "]" &&
    cursor.chars[cursor.position + 1] !== undefined;
  if (!isRange) return low.size;
  cursor.position += 1;
  const high = readClassCharacter(cursor);
  if (high.value === undefined || high.value < (low.value ?? 0)) cursor.fault ??= "syntax";
  return 1;
}

function readClassCharacter(cursor: Cursor): { size: number; value: number | undefined } {
  const char = cursor.chars[cursor.position] ?? "";
  cursor.position += 1;
  if (char !== "\\") return { size: 1, value: char.codePointAt(0) };
  const next = cursor.chars[cursor.position] ?? "";
  // Places and quotes mean nothing inside a class.
  if (/^[AbBzCQE]$/.test(next)) return fail(cursor, "syntax");
  return readEscape(cursor);
}

function fail(cursor: Cursor, fault: "backreference" | "syntax"): { size: number; value: undefined } {
  cursor.fault ??= fault;
  return { size: 0, value: undefined };
}
