// Values in rules: exact, `prefix*`, `*suffix`, or `*` for anything that is not empty.
import { list, type Rule, string } from "../schema.ts";
import { type At, dubious, type Report } from "../virtual-service/finding.ts";

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
export function checkWildcards(list: readonly string[] | undefined, at: At, report: Report): void {
  for (const [index, value] of (list ?? []).entries()) checkWildcard(value, [...at, index], report);
}

export function checkWildcard(value: string, at: At, report: Report): void {
  const inner = value.startsWith("*") ? value.slice(1) : value.endsWith("*") ? value.slice(0, -1) : value;
  if (!inner.includes("*")) return;
  const message = "an asterisk that is not the only one at the beginning or the end is taken literally";
  report(dubious(at, message, "Use value*, *value or *."));
}
