// Which fields of an object a change made different: paths a person can look up.
import { formatPath, type PathSegment } from "../../config/field-path.ts";

/** Paths named of one change; a rewritten object differs everywhere, and nobody reads a hundred paths. */
const fieldLimit = 16;
/** Longest path, characters; keys of labels may be long. */
const pathLength = 256;

export interface ChangedFields {
  /** Spelled like `spec.http[0].timeout`, at most 16. */
  readonly fields: readonly string[];
  /** There are more than are named, or not all was compared. */
  readonly more: boolean;
}

/** Values that may still be compared; shared by the changes of one batch, so that a large batch holds nothing up. */
export interface CompareBudget {
  left: number;
}

/** Compares plain data. What is there on one side only is named as a whole; lists are compared place by place. */
export function changedFields(before: unknown, after: unknown, budget: CompareBudget): ChangedFields {
  const fields: string[] = [];
  const path: PathSegment[] = [];
  let more = false;
  const walk = (a: unknown, b: unknown): void => {
    if (a === b || more) return;
    budget.left -= 1;
    if (budget.left < 0) {
      more = true;
      return;
    }
    const keys = commonKeys(a, b);
    if (keys === undefined) {
      if (fields.length < fieldLimit) fields.push(formatPath(path).slice(0, pathLength));
      else more = true;
      return;
    }
    for (const key of keys) {
      path.push(Array.isArray(a) ? Number(key) : key);
      walk((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]);
      path.pop();
    }
  };
  walk(before, after);
  return { fields, more };
}

/** The keys to go into where both are maps, or both lists; undefined where they are not and differ as they are. */
function commonKeys(a: unknown, b: unknown): Iterable<string> | undefined {
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return undefined;
  if (Array.isArray(a) !== Array.isArray(b)) return undefined;
  return new Set([...Object.keys(a), ...Object.keys(b)]);
}
