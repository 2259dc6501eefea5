// What a kind's own check reports, with the path of the field it is about.
import { configCodes } from "../errors.ts";
import { formatPath, type PathSegment } from "../field-path.ts";
import type { Finding } from "../kind.ts";

/** Where a check stands in the object, from `spec` down. */
export type At = readonly PathSegment[];

/** Takes what a check finds. */
export type Report = (found: Finding) => void;

/** Most errors, and most other findings, that are kept of one object: a hostile one must not fill memory with them. */
const findingLimit = 64;

/** Runs a check. Errors come first, so that a reader who stops early never takes a broken object for a good one. */
export function collectFindings(check: (report: Report) => void): Finding[] {
  const errors: Finding[] = [];
  const others: Finding[] = [];
  check((found) => {
    const kept = found.severity === "error" ? errors : others;
    if (kept.length < findingLimit) kept.push(found);
  });
  return [...errors, ...others];
}

/** The object breaks a rule of its kind and is refused. */
export function broken(at: At, message: string, remedy?: string): Finding {
  return finding("error", configCodes.ruleBroken, at, message, remedy);
}

/** The object is accepted, but hardly does what its author means. */
export function dubious(at: At, message: string, remedy?: string): Finding {
  return finding("warning", configCodes.ruleBroken, at, message, remedy);
}

/** Istio would act on the value, our proxies do not yet. */
export function notCarriedOut(at: At, message: string, remedy = "Do not rely on it."): Finding {
  return finding("warning", configCodes.notCarriedOut, at, message, remedy);
}

export function finding(
  severity: Finding["severity"],
  code: string,
  at: At,
  message: string,
  remedy: string | undefined,
): Finding {
  return { severity, code, path: formatPath(at), message, ...(remedy === undefined ? {} : { remedy }) };
}
