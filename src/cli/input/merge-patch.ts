// What apply sends: a JSON merge patch (RFC 7396) from three sides, as kubectl does for kinds without Go types.
import { type Fields, isFields } from "../../kernel/fields.ts";

/**
 * The patch that makes `current` what `modified` says, and removes what `original` (the last applied) said and
 * `modified` does not. Fields that others set stay. Empty where nothing is to be done.
 */
export function threeWayPatch(original: unknown, modified: Fields, current: Fields): Record<string, unknown> {
  const patch: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(modified)) {
    const before = Object.hasOwn(current, key) ? current[key] : undefined;
    if (isFields(value) && isFields(before)) {
      const inner = threeWayPatch(fieldOf(original, key), value, before);
      if (Object.keys(inner).length > 0) patch[key] = inner;
    } else if (!sameJson(value, before)) patch[key] = value;
  }
  if (!isFields(original)) return patch;
  for (const key of Object.keys(original)) {
    if (!Object.hasOwn(modified, key) && Object.hasOwn(current, key)) patch[key] = null;
  }
  return patch;
}

function fieldOf(value: unknown, key: string): unknown {
  return isFields(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

/** Equal as JSON; the order of keys does not count, that of lists does. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, index) => sameJson(item, b[index]));
  }
  if (!isFields(a) || !isFields(b)) return false;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && sameJson(a[key], b[key]))
  );
}
