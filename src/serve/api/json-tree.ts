// Plain JSON values that came from outside: bounds, equality, copies.
import { isFields } from "../../kernel/fields.ts";
import { jsonDepthLimit } from "./limits.ts";
import { StatusError } from "./status-error.ts";

export type JsonObject = Record<string, unknown>;

export function isObject(value: unknown): value is JsonObject {
  return isFields(value);
}

/**
 * Parses a patch, in which null has a meaning (objects are decoded by `config/decode`, which drops nulls).
 *
 * @throws StatusError 400 where it is no JSON, nested too deep, or has a key that would change an object's prototype
 */
export function parseJson(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const message = error instanceof Error ? error.message : "";
    throw new StatusError("badRequest", `the body is not JSON: ${message.slice(0, 200)}`);
  }
  checkTree(value);
  return value;
}

/** @throws StatusError 400 */
export function checkTree(root: unknown): void {
  const open: { value: unknown; depth: number }[] = [{ value: root, depth: 0 }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value, depth } = next;
    if (value === null || typeof value !== "object") continue;
    if (depth >= jsonDepthLimit) {
      throw new StatusError("badRequest", `the body is nested deeper than ${jsonDepthLimit} levels`);
    }
    if (Object.hasOwn(value, "__proto__")) throw new StatusError("badRequest", 'the key "__proto__" is not allowed');
    for (const child of Object.values(value)) open.push({ value: child, depth: depth + 1 });
  }
}
