// Regular expressions as RE2 matches them: leftmost, first alternative, and in time that grows with text and expression
// only. JavaScript's own engine can take for ever on an expression that a user wrote.
import { simulateErrors } from "../errors.ts";
import { compileRegex, type RegexProgram } from "./compile-regex.ts";
import { type Assertion, setHolds } from "./syntax.ts";

/** Longest text, characters: Envoy's own limit for all headers of a request is 60 KiB. */
const textLimit = 61_440;

/** True where the whole text matches, which is what Envoy asks of `safe_regex`. */
export function matchesWhole(pattern: string, text: string): boolean {
  const codes = codesOf(text);
  return run(compileRegex(pattern), codes, 0, true) !== undefined;
}

/**
 * The text with every match replaced (RE2::GlobalReplace, Envoy's `regex_rewrite`).
 *
 * @param rewrite `\0` to `\9` stand for captures, `\\` for a backslash
 */
export function replaceMatches(pattern: string, text: string, rewrite: string): string {
  const program = compileRegex(pattern);
  const codes = codesOf(text);
  const slice = (from: number, to: number): string => String.fromCodePoint(...codes.slice(from, to));
  let out = "";
  let at = 0;
  let lastEnd = -1;
  while (at <= codes.length) {
    const found = search(program, codes, at);
    if (found === undefined) break;
    const [start = 0, end = 0] = found;
    if (start === end && start === lastEnd) {
      out += slice(at, at + 1); // no empty match right behind a match
      at += 1;
      continue;
    }
    out += slice(at, start);
    out += rewrite.replace(/\\(.)/g, (_, char: string) => {
      if (char === "\\") return "\\";
      const index = 2 * Number(char);
      return slice(found[index] ?? 0, found[index + 1] ?? 0);
    });
    at = end;
    lastEnd = end;
    if (start === end && at >= codes.length) break;
  }
  return out + slice(at, codes.length);
}

function codesOf(text: string): number[] {
  if (text.length > textLimit) throw simulateErrors.cannotSimulate(`a text of more than ${textLimit} characters`);
  return Array.from(text, (char) => char.codePointAt(0) ?? 0);
}

function search(program: RegexProgram, codes: readonly number[], from: number): readonly number[] | undefined {
  for (let start = from; start <= codes.length; start++) {
    const found = run(program, codes, start, false);
    if (found !== undefined) return found;
  }
  return undefined;
}

interface Thread {
  readonly at: number;
  readonly slots: readonly number[];
}

/** Runs all alternatives side by side, in order of preference (Pike's machine). Returns the slots of the best match. */
function run(
  program: RegexProgram,
  codes: readonly number[],
  start: number,
  whole: boolean,
): readonly number[] | undefined {
  let threads: Thread[] = [];
  let best: readonly number[] | undefined;
  follow(program, codes, start, { at: 0, slots: new Array<number>(program.slots).fill(-1) }, threads);
  for (let position = start; threads.length > 0; position++) {
    const next: Thread[] = [];
    const seen = new Set<number>();
    for (const thread of threads) {
      const instruction = program.instructions[thread.at];
      if (instruction?.op === "match") {
        if (whole && position < codes.length) continue;
        best = thread.slots;
        break; // alternatives after this one are worse
      }
      const code = codes[position];
      if (instruction?.op !== "char" || code === undefined || !setHolds(instruction.set, code)) continue;
      follow(program, codes, position + 1, { at: thread.at + 1, slots: thread.slots }, next, seen);
    }
    threads = next;
  }
  return best;
}

/** Adds the thread, following jumps and branches to instructions that consume or match. */
function follow(
  program: RegexProgram,
  codes: readonly number[],
  position: number,
  from: Thread,
  into: Thread[],
  seen = new Set<number>(),
): void {
  const stack: Thread[] = [from];
  for (let thread = stack.pop(); thread !== undefined; thread = stack.pop()) {
    if (seen.has(thread.at)) continue;
    seen.add(thread.at);
    const { at, slots } = thread;
    const instruction = program.instructions[at];
    if (instruction?.op === "jump") stack.push({ at: instruction.to, slots });
    else if (instruction?.op === "split")
      stack.push({ at: instruction.second, slots }, { at: instruction.first, slots });
    else if (instruction?.op === "save") stack.push({ at: at + 1, slots: slots.with(instruction.slot, position) });
    else if (instruction?.op === "assert") {
      if (holds(instruction.assertion, codes, position)) stack.push({ at: at + 1, slots });
    } else into.push(thread);
  }
}

function holds(assertion: Assertion, codes: readonly number[], at: number): boolean {
  switch (assertion) {
    case "text-start":
      return at === 0;
    case "text-end":
      return at === codes.length;
    case "line-start":
      return at === 0 || codes[at - 1] === 10;
    case "line-end":
      return at === codes.length || codes[at] === 10;
    case "word-boundary":
      return isWord(codes[at - 1]) !== isWord(codes[at]);
    case "no-word-boundary":
      return isWord(codes[at - 1]) === isWord(codes[at]);
  }
}

function isWord(code: number | undefined): boolean {
  return code !== undefined && /^\w$/.test(String.fromCodePoint(code));
}
