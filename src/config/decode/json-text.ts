// JSON (RFC 8259) → plain values with places. JSON.parse would keep the last of two equal keys, take any depth and lose
// the lines.
import { ownText } from "../../kernel/own-text.ts";
import { type DecodedText, type Places, placedText, textLines } from "./places.ts";
import { depthLimit, keyFault, stringFault, syntaxFault, type TextFault, TextStop, tooDeep } from "./text-fault.ts";

/**
 * Decodes one JSON value, or several that follow each other with nothing or white space between (as kubectl takes them).
 *
 * Members whose value is null are left out, as the Kubernetes API server drops them; nulls in lists stay.
 *
 * @param line 1-based line at which the text starts in its file
 */
export function decodeJsonText(text: string, line = 1): DecodedText[] | { faults: TextFault[] } {
  const reader = new JsonReader(text);
  const lines = textLines(text, line);
  const values: DecodedText[] = [];
  try {
    do {
      const offset = reader.skipSpace();
      values.push(placedText(reader.readValue(0), reader.places, lines, offset));
      reader.skipSpace();
    } while (!reader.atEnd);
  } catch (fault) {
    if (fault instanceof TextStop) return { faults: [fault.fault] };
    throw fault;
  }
  return values;
}

const numbers = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?/y;
/** No control character, quote or backslash: nothing to unescape or to refuse. */
const plainString = /^[ -!#-[\]-\u{10FFFF}]*$/u;
const spaces = /[ \t\r\n]*/y;
class JsonReader {
  readonly places: Places = new Map();
  private readonly text: string;
  private at = 0;

  constructor(text: string) {
    this.text = text;
    if (text.startsWith("\uFEFF")) this.at = 1;
  }

  get atEnd(): boolean {
    return this.at >= this.text.length;
  }

  skipSpace(): number {
    spaces.lastIndex = this.at;
    spaces.exec(this.text);
    this.at = spaces.lastIndex;
    return this.at;
  }

  readValue(depth: number): unknown {
    const char = this.text[this.at];
    if (char === '"') return this.readString();
    if (char === "{" || char === "[") {
      if (depth >= depthLimit) throw new TextStop(tooDeep(this.at));
      return char === "{" ? this.readObject(depth) : this.readArray(depth);
    }
    for (const [word, value] of [
      ["true", true],
      ["false", false],
      ["null", null],
    ] as const) {
      if (!this.text.startsWith(word, this.at)) continue;
      this.at += word.length;
      return value;
    }
    return this.readNumber();
  }

  private readNumber(): number {
    numbers.lastIndex = this.at;
    const match = numbers.exec(this.text);
    if (match === null) throw this.unexpected("a value");
    const value = Number(match[0]);
    if (!Number.isFinite(value)) throw new TextStop(syntaxFault("the number is too large", this.at));
    this.at = numbers.lastIndex;
    return value;
  }

  private readString(): string {
    const start = this.at;
    let end = start;
    do {
      end = this.text.indexOf('"', end + 1);
      if (end === -1) throw new TextStop(syntaxFault("the text is not closed", start));
    } while (this.isEscaped(end, start));
    this.at = end + 1;
    let value = this.text.slice(start + 1, end);
    if (!plainString.test(value)) {
      try {
        value = JSON.parse(this.text.slice(start, end + 1)) as string;
      } catch {
        throw new TextStop(syntaxFault("the text holds an unknown escape or a bare control character", start));
      }
    }
    const fault = stringFault(value, start);
    if (fault !== undefined) throw new TextStop(fault);
    return ownText(value);
  }

  /** True where an odd number of backslashes stands before the offset. */
  private isEscaped(offset: number, start: number): boolean {
    let slashes = 0;
    while (offset - slashes - 1 > start && this.text[offset - slashes - 1] === "\\") slashes += 1;
    return slashes % 2 === 1;
  }

  private readArray(depth: number): unknown[] {
    const list: unknown[] = [];
    const offsets: number[] = [];
    this.at += 1;
    this.skipSpace();
    if (this.text[this.at] === "]") this.at += 1;
    else {
      for (;;) {
        offsets.push(this.skipSpace());
        list.push(this.readValue(depth + 1));
        this.skipSpace();
        if (this.text[this.at] === "]") break;
        this.expect(",", "',' or ']'");
      }
      this.at += 1;
    }
    this.places.set(list, offsets);
    return list;
  }

  private readObject(depth: number): Record<string, unknown> {
    const map: Record<string, unknown> = {};
    const offsets = new Map<string, number>();
    this.at += 1;
    this.skipSpace();
    if (this.text[this.at] === "}") this.at += 1;
    else {
      for (;;) {
        const offset = this.skipSpace();
        if (this.text[this.at] !== '"') throw this.unexpected("a key in quotes");
        const key = this.readString();
        const fault = keyFault(key, offsets, offset);
        if (fault !== undefined) throw new TextStop(fault);
        offsets.set(key, offset);
        this.skipSpace();
        this.expect(":", "':'");
        this.skipSpace();
        const value = this.readValue(depth + 1);
        if (value !== null) map[key] = value;
        this.skipSpace();
        if (this.text[this.at] === "}") break;
        this.expect(",", "',' or '}'");
      }
      this.at += 1;
    }
    this.places.set(map, offsets);
    return map;
  }

  private expect(char: string, what: string): void {
    if (this.text[this.at] !== char) throw this.unexpected(what);
    this.at += 1;
  }

  private unexpected(what: string): TextStop {
    const found = this.atEnd ? "the text ends" : `found ${JSON.stringify(this.text[this.at])}`;
    return new TextStop(syntaxFault(`expected ${what}, ${found}`, this.at));
  }
}
