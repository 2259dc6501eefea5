// Text → syntax of a regular expression as RE2 reads it.
import { quoted } from "../../kernel/quote.ts";
import { simulateErrors } from "../errors.ts";
import { type Assertion, type CharSet, type CodeRange, perlClass, posixClass, type RegexNode } from "./syntax.ts";

interface Flags {
  anyCase: boolean;
  multiLine: boolean;
  dotAll: boolean;
  ungreedy: boolean;
}

const plainEscapes: Readonly<Record<string, number>> = { a: 7, f: 12, t: 9, n: 10, r: 13, v: 11 };
const assertions: Readonly<Record<string, Assertion>> = {
  A: "text-start",
  z: "text-end",
  b: "word-boundary",
  B: "no-word-boundary",
};

/** RE2's own limit of `{n,m}`. */
const repeatLimit = 1000;
/** Groups in groups; Envoy's expressions come from people. */
const depthLimit = 100;

/** @throws LateenError LAT2201 for what RE2 refuses, and for `\p{…}` and `\C` */
export function parseRegex(pattern: string): { root: RegexNode; captures: number } {
  const parser = new RegexParser(pattern);
  return parser.parse();
}

class RegexParser {
  private readonly chars: readonly string[];
  private readonly pattern: string;
  private at = 0;
  private captures = 0;
  private depth = 0;
  private flags: Flags = { anyCase: false, multiLine: false, dotAll: false, ungreedy: false };

  constructor(pattern: string) {
    this.pattern = pattern;
    this.chars = [...pattern];
  }

  parse(): { root: RegexNode; captures: number } {
    const root = this.choice();
    if (this.at < this.chars.length) throw this.refuse("has a closing bracket too many");
    return { root, captures: this.captures };
  }

  private choice(): RegexNode {
    const options: RegexNode[] = [];
    do options.push(this.sequence());
    while (this.take("|"));
    return options.length === 1 ? (options[0] as RegexNode) : { kind: "choice", options };
  }

  private sequence(): RegexNode {
    const parts: RegexNode[] = [];
    while (this.at < this.chars.length && this.peek() !== "|" && this.peek() !== ")") {
      const atom = this.atom();
      if (atom !== undefined) parts.push(this.repeated(atom));
    }
    return parts.length === 1 ? (parts[0] as RegexNode) : { kind: "sequence", parts };
  }

  private repeated(atom: RegexNode): RegexNode {
    let node = atom;
    for (let times = 0; ; times++) {
      const bounds = this.bounds();
      if (bounds === undefined) return node;
      if (times > 0) throw this.refuse("repeats a repetition");
      const lazy = this.take("?");
      node = { kind: "repeat", body: node, ...bounds, greedy: lazy === this.flags.ungreedy };
    }
  }

  private bounds(): { min: number; max: number | undefined } | undefined {
    if (this.take("*")) return { min: 0, max: undefined };
    if (this.take("+")) return { min: 1, max: undefined };
    if (this.take("?")) return { min: 0, max: 1 };
    const text = /^\{(\d+)(,(\d*))?\}/.exec(this.chars.slice(this.at, this.at + 16).join(""));
    if (text === null) return undefined;
    this.at += text[0].length;
    const min = Number(text[1]);
    const max = text[2] === undefined ? min : text[3] === "" ? undefined : Number(text[3]);
    if (min > repeatLimit || (max ?? 0) > repeatLimit || (max ?? min) < min) throw this.refuse("has a bad repetition");
    return { min, max };
  }

  /** Undefined where flags or an empty quotation stand there, which match nothing by themselves. */
  private atom(): RegexNode | undefined {
    const char = this.next();
    switch (char) {
      case "(":
        return this.group();
      case "[":
        return this.charClass();
      case ".":
        return this.set(this.flags.dotAll ? [] : [[10, 10]], true);
      case "^":
        return { kind: "assert", assertion: this.flags.multiLine ? "line-start" : "text-start" };
      case "$":
        return { kind: "assert", assertion: this.flags.multiLine ? "line-end" : "text-end" };
      case "\\":
        return this.escape();
      case "*":
      case "+":
      case "?":
        throw this.refuse("repeats nothing");
      default:
        return this.literal(char);
    }
  }

  private group(): RegexNode | undefined {
    this.depth += 1;
    if (this.depth > depthLimit) throw this.refuse("is nested too deep");
    const outer = { ...this.flags };
    let index: number | undefined;
    if (this.take("?")) {
      const named = /^(?:P?<)\w+>/.exec(this.chars.slice(this.at, this.at + 256).join(""));
      if (named !== null) {
        this.at += named[0].length;
        index = ++this.captures;
      } else if (!this.groupFlags()) {
        this.depth -= 1; // `(?i)`: the flags hold until the enclosing group ends
        return undefined;
      }
    } else index = ++this.captures;
    const body = this.choice();
    if (!this.take(")")) throw this.refuse("lacks a closing bracket");
    this.flags = outer;
    this.depth -= 1;
    return index === undefined ? body : { kind: "capture", index, body };
  }

  /** Reads `i-s:` or `i)`. True where a group follows. */
  private groupFlags(): boolean {
    let on = true;
    for (;;) {
      const char = this.next();
      if (char === ":") return true;
      if (char === ")") return false;
      if (char === "-") on = false;
      else if (char === "i") this.flags.anyCase = on;
      else if (char === "m") this.flags.multiLine = on;
      else if (char === "s") this.flags.dotAll = on;
      else if (char === "U") this.flags.ungreedy = on;
      else throw this.refuse("has an unknown kind of group");
    }
  }

  private escape(): RegexNode | undefined {
    const char = this.next();
    const assertion = assertions[char];
    if (assertion !== undefined) return { kind: "assert", assertion };
    if (char === "Q") return this.quotation();
    const ranges = perlClass(char);
    return ranges === undefined ? this.set([single(this.escapedCode(char))]) : this.set(ranges);
  }

  /** `\Q…\E`: literal text. */
  private quotation(): RegexNode | undefined {
    const parts: RegexNode[] = [];
    while (this.at < this.chars.length) {
      if (this.peek() === "\\" && this.chars[this.at + 1] === "E") {
        this.at += 2;
        break;
      }
      parts.push(this.literal(this.next()));
    }
    const last = parts.pop();
    if (last === undefined) return undefined;
    return { kind: "sequence", parts: [...parts, this.repeated(last)] };
  }

  private escapedCode(char: string): number {
    const plain = plainEscapes[char];
    if (plain !== undefined) return plain;
    if (char === "x") {
      const hex = /^(?:\{([0-9a-fA-F]{1,6})\}|([0-9a-fA-F]{2}))/.exec(this.chars.slice(this.at, this.at + 8).join(""));
      if (hex === null) throw this.refuse("has a bad \\x");
      this.at += hex[0].length;
      return Number.parseInt(hex[1] ?? hex[2] ?? "", 16);
    }
    if (char === "0") {
      const octal = /^[0-7]{0,2}/.exec(this.chars.slice(this.at, this.at + 2).join(""))?.[0] ?? "";
      this.at += octal.length;
      return Number.parseInt(`0${octal}`, 8);
    }
    if (/[a-zA-Z0-9]/.test(char)) throw this.refuse(`uses \\${char}`);
    return char.codePointAt(0) ?? 0;
  }

  private charClass(): RegexNode {
    const negated = this.take("^");
    const ranges: CodeRange[] = [];
    for (let first = true; first || this.peek() !== "]"; first = false) {
      const named = /^\[:(\^?\w+):\]/.exec(this.chars.slice(this.at, this.at + 16).join(""));
      if (named !== null) {
        const known = posixClass(named[1] ?? "");
        if (known === undefined) throw this.refuse(`uses ${named[0]}`);
        this.at += named[0].length;
        ranges.push(...known);
        continue;
      }
      const from = this.classItem();
      if (typeof from !== "number") {
        ranges.push(...from);
        continue;
      }
      if (this.peek() !== "-" || this.chars[this.at + 1] === "]") {
        ranges.push(single(from));
        continue;
      }
      this.at += 1;
      const to = this.classItem();
      if (typeof to !== "number" || to < from) throw this.refuse("has a bad range");
      ranges.push([from, to]);
    }
    this.at += 1;
    return this.set(ranges, negated);
  }

  private classItem(): number | readonly CodeRange[] {
    const char = this.next();
    if (char !== "\\") return char.codePointAt(0) ?? 0;
    const escaped = this.next();
    return perlClass(escaped) ?? this.escapedCode(escaped);
  }

  private literal(char: string): RegexNode {
    return this.set([single(char.codePointAt(0) ?? 0)]);
  }

  private set(ranges: readonly CodeRange[], negated = false): RegexNode {
    const set: CharSet = { ranges, negated, anyCase: this.flags.anyCase };
    return { kind: "char", set };
  }

  private peek(): string | undefined {
    return this.chars[this.at];
  }

  private next(): string {
    const char = this.chars[this.at++];
    if (char === undefined) throw this.refuse("ends too early");
    return char;
  }

  private take(char: string): boolean {
    if (this.peek() !== char) return false;
    this.at += 1;
    return true;
  }

  private refuse(fault: string) {
    return simulateErrors.cannotSimulate(`the regular expression ${quoted(this.pattern, 200)} ${fault}`);
  }
}

function single(code: number): CodeRange {
  return [code, code];
}
