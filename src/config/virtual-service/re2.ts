// RE2's syntax, checked without compiling: what Envoy would refuse must be refused before it is sent.
//
// Source: https://github.com/google/re2/wiki/Syntax. Envoy compiles in Latin-1 mode: a character is one byte, and code
// points beyond 0xff have no escape. The checker knows grammar, limits and an estimate of the program's size.
import { utf8 } from "../../kernel/bytes.ts";
import { readClass, readEscape } from "./re2-class.ts";
import type { Cursor, Re2Fault } from "./re2-cursor.ts";

/** Longest expression, characters; Istio's bound. */
export const regexLengthLimit = 1024;

/** Most repetitions RE2 unfolds, nested counts multiplied. */
const repeatLimit = 1000;

/** Instructions that every program has beside those of its parts. */
const frameSize = 4;

/** Largest program, instructions: re2.max_program_size.error_level of Istio's bootstrap. */
const programLimit = 32_768;

/** What is known of a part: its estimated program, its largest repetition and the groups that capture. */
interface Part {
  size: number;
  repeats: number;
}

const flagsOnly: Part = { size: 0, repeats: 1 };

interface Reader extends Cursor {
  groups: number;
  readonly names: Set<string>;
}

/** Why RE2 would refuse the expression, or how many groups of it capture. */
export function checkRe2(text: string): { fault: Re2Fault } | { groups: number } {
  if (text.length > regexLengthLimit) return { fault: "tooLarge" };
  if (!text.isWellFormed()) return { fault: "syntax" };
  const reader: Reader = { chars: [...text], position: 0, fault: undefined, groups: 0, names: new Set() };
  const whole = readAlternatives(reader);
  if (reader.fault === undefined && reader.position < reader.chars.length) reader.fault = "syntax"; // a stray ')'
  if (reader.fault !== undefined) return { fault: reader.fault };
  return whole.size + frameSize > programLimit ? { fault: "tooLarge" } : { groups: reader.groups };
}

function readAlternatives(reader: Reader): Part {
  let part = readSequence(reader);
  while (reader.fault === undefined && reader.chars[reader.position] === "|") {
    reader.position += 1;
    const next = readSequence(reader);
    part = { size: part.size + next.size + 1, repeats: Math.max(part.repeats, next.repeats) };
  }
  return part;
}

function readSequence(reader: Reader): Part {
  const sequence: Part = { size: 0, repeats: 1 };
  let hasAtom = false;
  while (reader.fault === undefined) {
    const char = reader.chars[reader.position];
    if (char === undefined || char === "|" || char === ")") break;
    const read = readAtom(reader, char);
    // Flags alone are nothing to repeat, but a repetition after them reaches back to what stands before.
    hasAtom ||= read !== flagsOnly;
    if (!hasAtom && readRepeat(reader) !== undefined) fail(reader, "syntax");
    const atom = readRepeats(reader, read);
    sequence.size += atom.size;
    sequence.repeats = Math.max(sequence.repeats, atom.repeats);
  }
  return sequence;
}

function readAtom(reader: Reader, char: string): Part {
  reader.position += 1;
  switch (char) {
    case "*":
    case "+":
    case "?":
      return fail(reader, "syntax");
    case "{":
      reader.position -= 1;
      if (readRepeat(reader) !== undefined) return fail(reader, "syntax");
      reader.position += 1;
      return { size: 1, repeats: 1 };
    case "(":
      return readGroup(reader);
    case "[":
      return { size: readClass(reader), repeats: 1 };
    case ".":
      return { size: 2, repeats: 1 };
    case "\\":
      return { size: readEscape(reader).size, repeats: 1 };
    default:
      return { size: utf8(char).length, repeats: 1 };
  }
}

/** After the `(`. */
function readGroup(reader: Reader): Part {
  if (reader.chars[reader.position] !== "?") {
    return captureGroup(reader);
  }
  const ahead = reader.chars.slice(reader.position, reader.position + 3).join("");
  if (/^\?(?:[=!]|<[=!])/.test(ahead)) return fail(reader, "lookaround");
  if (ahead === "?P=" || ahead === "?P>") return fail(reader, "backreference");
  if (ahead === "?P<" || ahead.startsWith("?<")) {
    reader.position += ahead === "?P<" ? 3 : 2;
    return readNamedGroup(reader);
  }
  return readFlags(reader);
}

function readNamedGroup(reader: Reader): Part {
  const end = reader.chars.indexOf(">", reader.position);
  const name = end < 0 ? "" : reader.chars.slice(reader.position, end).join("");
  if (!/^\w+$/.test(name) || reader.names.has(name)) return fail(reader, "syntax");
  reader.names.add(name);
  reader.position = end + 1;
  return captureGroup(reader);
}

function captureGroup(reader: Reader): Part {
  reader.groups += 1;
  const inner = closeGroup(reader);
  return { size: inner.size + 2, repeats: inner.repeats };
}

/** `?flags)` or `?flags:…)`. */
function readFlags(reader: Reader): Part {
  let flags = "";
  for (reader.position += 1; reader.position < reader.chars.length; reader.position += 1) {
    const char = reader.chars[reader.position] ?? "";
    if (char === ")" || char === ":") break;
    flags += char;
  }
  const end = reader.chars[reader.position];
  const wellFormed = end === ":" ? /^(?:[imsU]+|[imsU]*-[imsU]+)?$/ : /^(?:[imsU]+|[imsU]*-[imsU]+)$/;
  if (end === undefined || !wellFormed.test(flags)) return fail(reader, "syntax");
  reader.position += 1;
  return end === ":" ? closeGroup(reader) : flagsOnly;
}

function closeGroup(reader: Reader): Part {
  const inner = readAlternatives(reader);
  if (reader.fault === undefined && reader.chars[reader.position] !== ")") reader.fault = "syntax";
  reader.position += 1;
  return inner;
}

/** At most one repetition, greedy or lazy, follows an atom; a second one is an error in RE2. */
function readRepeats(reader: Reader, atom: Part): Part {
  if (reader.fault !== undefined) return atom;
  const count = readRepeat(reader);
  if (count === undefined) return atom;
  if (reader.chars[reader.position] === "?") reader.position += 1;
  const repeats = atom.repeats * Math.max(1, count.max ?? count.min);
  if (count.min > repeatLimit || (count.max !== undefined && (count.max > repeatLimit || count.max < count.min))) {
    return fail(reader, "repetition");
  }
  if (count.unfolds && repeats > repeatLimit) return fail(reader, "repetition");
  if (readRepeat(reader) !== undefined) return fail(reader, "syntax");
  return { size: repeatedSize(atom.size, count), repeats: count.unfolds ? repeats : atom.repeats };
}

/** Required copies as they are, each optional one behind a branch. */
function repeatedSize(size: number, { min, max, unfolds }: Repeat): number {
  if (!unfolds) return size + 1;
  return max === undefined ? Math.max(1, min) * size + 1 : min * size + (max - min) * (size + 1);
}

interface Repeat {
  min: number;
  max: number | undefined;
  /** Counted, so that RE2 writes the part out that often. */
  unfolds: boolean;
}

/** Reads `*`, `+`, `?`, `{n}`, `{n,}` or `{n,m}`; any other brace is an ordinary character. */
function readRepeat(reader: Reader): Repeat | undefined {
  const char = reader.chars[reader.position];
  if (char === "*" || char === "+" || char === "?") {
    reader.position += 1;
    return { min: char === "+" ? 1 : 0, max: char === "?" ? 1 : undefined, unfolds: false };
  }
  if (char !== "{") return undefined;
  const end = reader.chars.indexOf("}", reader.position);
  const match = end < 0 ? null : /^(\d+)(,(\d*))?$/.exec(reader.chars.slice(reader.position + 1, end).join(""));
  if (match === null) return undefined;
  reader.position = end + 1;
  const min = Number(match[1]);
  const max = match[2] === undefined ? min : match[3] === "" ? undefined : Number(match[3]);
  return { min, max, unfolds: true };
}

function fail(reader: Reader, fault: Re2Fault): Part {
  reader.fault ??= fault;
  return { size: 0, repeats: 1 };
}
