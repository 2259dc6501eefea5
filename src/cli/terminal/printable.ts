// Text of others, made harmless for a terminal: names, messages and dumps may hold escape sequences.
import { stripVTControlCharacters } from "node:util";

/** Control characters (C0, DEL, C1) but newline and tab, and those that change the direction of writing. */
const unsafe = /(?![\n\t])[\p{Cc}\p{Bidi_Control}]/gu;

/** Without escape sequences, control characters and changes of direction; newlines and tabs stay. */
export function printable(text: string): string {
  return text.search(unsafe) === -1 ? text : stripVTControlCharacters(text).replace(unsafe, "");
}

/** As `printable`, on one line. */
export function printableLine(text: string): string {
  return printable(text.replace(/[\t\r\n\v\f\u2028\u2029]+/g, " "));
}

/** Also what readers of YAML 1.1 take for a line break or a mark of byte order. */
const unsafeInData = /(?![\n\t])[\p{Cc}\p{Bidi_Control}\u2028\u2029\uFEFF]/gu;

export function holdsUnsafe(text: string): boolean {
  return text.search(unsafeInData) !== -1;
}

/** Writes unsafe characters as `\uXXXX`: the same string to a reader of JSON, or of YAML in double quotes. */
export function escapeUnsafe(text: string): string {
  return text.replace(unsafeInData, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
