// Values in rules: exact, `prefix*`, `*suffix`, or `*` for anything that is not empty.
import type { Finding } from "../kind.ts";
import { list, type Rule, string } from "../schema.ts";
import { type At, dubious } from "../virtual-service/finding.ts";

export const notEmpty: Rule<string> = { message: "must not be empty", test: (text) => text !== "" };

/** A list of values; each of them must say something. */
export function values(
  description: string,
  options: { pending?: boolean; rules?: readonly Rule<string>[]; maxItems?: number; maxLength?: number } = {},
) {
  const { rules = [], maxLength, ...rest } = options;
  const bounds = maxLength === undefined ? {} : { maxLength };
  return list(string({ ...bounds, rules: [notEmpty, ...rules] }), { description, ...rest });
}

/** An asterisk inside a value is an ordinary character, which a person who writes it seldom means. */
export function checkWildcards(list: readonly string[] | undefined, at: At): Finding[] {
  const found: Finding[] = [];
  for (const [index, value] of (list ?? []).entries()) {
    const inner = value.startsWith("*") ? value.slice(1) : value.endsWith("*") ? value.slice(0, -1) : value;
    if (!inner.includes("*")) continue;
    const message = "an asterisk that is not the only one at the beginning or the end is taken literally";
    found.push(dubious([...at, index], message, "Use value*, *value or *."));
  }
  return found;
}
