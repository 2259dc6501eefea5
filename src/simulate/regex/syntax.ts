// What a regular expression in RE2 syntax is made of.

/** Code points, both ends included. */
export type CodeRange = readonly [first: number, last: number];

export interface CharSet {
  readonly ranges: readonly CodeRange[];
  readonly negated: boolean;
  /** Letters match in either case. */
  readonly anyCase: boolean;
}

export type Assertion = "text-start" | "text-end" | "line-start" | "line-end" | "word-boundary" | "no-word-boundary";

export type RegexNode =
  | { readonly kind: "char"; readonly set: CharSet }
  | { readonly kind: "assert"; readonly assertion: Assertion }
  | { readonly kind: "sequence"; readonly parts: readonly RegexNode[] }
  | { readonly kind: "choice"; readonly options: readonly RegexNode[] }
  | { readonly kind: "capture"; readonly index: number; readonly body: RegexNode }
  | {
      readonly kind: "repeat";
      readonly body: RegexNode;
      readonly min: number;
      /** Undefined: without end. */
      readonly max: number | undefined;
      readonly greedy: boolean;
    };

const perl: Readonly<Record<string, readonly CodeRange[]>> = {
  d: [[0x30, 0x39]],
  s: [
    [0x09, 0x0a],
    [0x0c, 0x0d],
    [0x20, 0x20],
  ],
  w: [
    [0x30, 0x39],
    [0x41, 0x5a],
    [0x5f, 0x5f],
    [0x61, 0x7a],
  ],
};

const posix: Readonly<Record<string, string>> = {
  alnum: "09AZaz",
  alpha: "AZaz",
  ascii: "\u0000\u007f",
  blank: "\t\t  ",
  cntrl: "\u0000\u001f\u007f\u007f",
  digit: "09",
  graph: "!~",
  lower: "az",
  print: " ~",
  punct: "!/:@[`{~",
  space: "\t\r  ",
  upper: "AZ",
  word: "09AZaz__",
  xdigit: "09AFaf",
};

/** Ranges of `\d`, `\s`, `\w` and their complements; undefined for other letters. */
export function perlClass(letter: string): readonly CodeRange[] | undefined {
  const ranges = perl[letter.toLowerCase()];
  return ranges === undefined || letter === letter.toLowerCase() ? ranges : complement(ranges);
}

/** Ranges of `[:alpha:]` and its kin, `^alpha` for the complement. */
export function posixClass(name: string): readonly CodeRange[] | undefined {
  const negated = name.startsWith("^");
  const pairs = posix[negated ? name.slice(1) : name];
  if (pairs === undefined) return undefined;
  const ranges: CodeRange[] = [];
  for (let i = 0; i < pairs.length; i += 2) ranges.push([pairs.charCodeAt(i), pairs.charCodeAt(i + 1)]);
  return negated ? complement(ranges) : ranges;
}

/** Everything the ranges leave out; they are in order and do not overlap. */
function complement(ranges: readonly CodeRange[]): CodeRange[] {
  const rest: CodeRange[] = [];
  let next = 0;
  for (const [first, last] of ranges) {
    if (first > next) rest.push([next, first - 1]);
    next = last + 1;
  }
  rest.push([next, 0x10ffff]);
  return rest;
}

export function setHolds(set: CharSet, code: number): boolean {
  return inRanges(set, code) !== set.negated;
}

function inRanges({ ranges, anyCase }: CharSet, code: number): boolean {
  const holds = (value: number): boolean => ranges.some(([first, last]) => value >= first && value <= last);
  if (holds(code)) return true;
  if (!anyCase) return false;
  const char = String.fromCodePoint(code);
  return [char.toLowerCase(), char.toUpperCase()].some((other) => holds(other.codePointAt(0) ?? code));
}
