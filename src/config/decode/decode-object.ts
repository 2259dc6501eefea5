// A plain value, for example the body of a request after a patch → an object of a known kind.

import { isFields } from "../../kernel/fields.ts";
import { configCodes } from "../errors.ts";
import { formatPath, type PathSegment } from "../field-path.ts";
import type { Problem } from "../problem.ts";
import { type Envelope, readEnvelope } from "./envelope.ts";
import { depthLimit } from "./text-fault.ts";

/**
 * Reads an object from a value that is JSON already. As with texts, members that are null count as absent.
 *
 * @param value is not changed; the result shares none of its objects and lists
 * @param defaultNamespace where a namespaced object without a namespace goes
 * @returns the object, not validated yet, or why there is none
 */
export function decodeObject(value: unknown, defaultNamespace: string): Envelope | { problems: Problem[] } {
  const problems: Problem[] = [];
  const plain = withoutNulls(value, [], problems);
  return problems.length > 0 ? { problems } : readEnvelope(plain, defaultNamespace);
}

function withoutNulls(value: unknown, path: PathSegment[], problems: Problem[]): unknown {
  if (value === null || typeof value !== "object") return value;
  const refuse = (code: string, message: string, at: PathSegment[]): undefined => {
    // One is enough to refuse the object; the rest of the value is not looked at.
    if (problems.length === 0) problems.push({ severity: "error", code, message, path: formatPath(at) });
    return undefined;
  };
  if (path.length >= depthLimit) {
    return refuse(configCodes.tooLarge, `is nested deeper than ${depthLimit} levels`, path.slice(0, 8));
  }
  if (Array.isArray(value)) return value.map((item, index) => withoutNulls(item, [...path, index], problems));
  const plain: Record<string, unknown> = {};
  if (!isFields(value)) return plain;
  for (const [key, member] of Object.entries(value)) {
    if (problems.length > 0) return plain;
    if (key === "__proto__") return refuse(configCodes.syntax, 'the key "__proto__" is not allowed', path);
    if (member !== null) plain[key] = withoutNulls(member, [...path, key], problems);
  }
  return plain;
}
