// Label selectors in the query: `app=shop,tier in (web, api),!legacy,size>3`.
import { selectorLimit } from "./limits.ts";
import { StatusError } from "./status-error.ts";

type Labels = Readonly<Record<string, string>>;

type Requirement =
  | { t: "in" | "not in"; key: string; values: ReadonlySet<string> }
  | { t: "exists" | "absent"; key: string }
  | { t: "above" | "below"; key: string; bound: number };

/** True where an object's labels fulfil the selector. */
export type LabelTest = (labels: Labels | undefined) => boolean;

const word = /[A-Za-z0-9](?:[-A-Za-z0-9_./]*[A-Za-z0-9])?/y;
const lexeme = /\s*(?:(==|!=|=|!|<|>|,|\(|\))|([A-Za-z0-9](?:[-A-Za-z0-9_./]*[A-Za-z0-9])?))\s*/y;

/** @throws StatusError 400 where the selector cannot be read */
export function parseLabelSelector(text: string): LabelTest {
  const requirements = new SelectorReader(text).read();
  return (labels = {}) => requirements.every((requirement) => fulfils(requirement, labels));
}

function fulfils(requirement: Requirement, labels: Labels): boolean {
  const value = Object.hasOwn(labels, requirement.key) ? labels[requirement.key] : undefined;
  switch (requirement.t) {
    case "in":
      return value !== undefined && requirement.values.has(value);
    case "not in":
      return value === undefined || !requirement.values.has(value);
    case "exists":
      return value !== undefined;
    case "absent":
      return value === undefined;
    case "above":
      return value !== undefined && /^-?\d+$/.test(value) && Number(value) > requirement.bound;
    case "below":
      return value !== undefined && /^-?\d+$/.test(value) && Number(value) < requirement.bound;
  }
}

class SelectorReader {
  private readonly text: string;
  private at = 0;

  constructor(text: string) {
    this.text = text;
  }

  read(): Requirement[] {
    const requirements: Requirement[] = [];
    if (this.text.trim() === "") return requirements;
    do {
      requirements.push(this.readRequirement());
      if (requirements.length > selectorLimit) throw this.unreadable(`more than ${selectorLimit} requirements`);
    } while (this.take(","));
    if (this.at < this.text.length)
      throw this.unreadable(`unexpected ${JSON.stringify(this.text.slice(this.at, this.at + 20))}`);
    return requirements;
  }

  private readRequirement(): Requirement {
    if (this.take("!")) return { t: "absent", key: this.readWord("a label") };
    const key = this.readWord("a label");
    if (this.take("=") || this.take("==")) return { t: "in", key, values: new Set([this.readValue()]) };
    if (this.take("!=")) return { t: "not in", key, values: new Set([this.readValue()]) };
    if (this.take(">")) return { t: "above", key, bound: this.readNumber() };
    if (this.take("<")) return { t: "below", key, bound: this.readNumber() };
    const operator = this.peek();
    if (operator === "in") {
      this.next();
      return { t: "in", key, values: this.readSet() };
    }
    if (operator === "notin") {
      this.next();
      return { t: "not in", key, values: this.readSet() };
    }
    return { t: "exists", key };
  }

  private readSet(): Set<string> {
    const values = new Set<string>();
    if (!this.take("(")) throw this.unreadable("expected '('");
    do {
      values.add(this.readValue());
    } while (this.take(","));
    if (!this.take(")")) throw this.unreadable("expected ')'");
    return values;
  }

  /** A value may be empty: `app=` selects the empty label. */
  private readValue(): string {
    const found = this.peek();
    return found !== undefined && isWord(found) ? (this.next() ?? "") : "";
  }

  private readNumber(): number {
    const found = this.readWord("a number");
    if (!/^\d{1,15}$/.test(found)) throw this.unreadable(`${JSON.stringify(found)} is not a whole number`);
    return Number(found);
  }

  private readWord(what: string): string {
    const found = this.next();
    if (found === undefined || !isWord(found)) throw this.unreadable(`expected ${what}`);
    return found;
  }

  private take(symbol: string): boolean {
    if (this.peek() !== symbol) return false;
    this.next();
    return true;
  }

  private peek(): string | undefined {
    lexeme.lastIndex = this.at;
    const match = lexeme.exec(this.text);
    return match === null ? undefined : (match[1] ?? match[2]);
  }

  private next(): string | undefined {
    const found = this.peek();
    if (found !== undefined) this.at = lexeme.lastIndex;
    return found;
  }

  private unreadable(why: string): StatusError {
    return new StatusError("badRequest", `unable to parse the label selector: ${why}`);
  }
}

function isWord(text: string): boolean {
  word.lastIndex = 0;
  return word.test(text);
}
