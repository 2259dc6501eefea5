// Structural equality of plain data: what stops a wave of recomputation.
import { isDeepStrictEqual } from "node:util";

/** True where both values hold the same data (own enumerable properties, order of object keys ignored). */
export function sameData(a: unknown, b: unknown): boolean {
  return a === b || isDeepStrictEqual(a, b);
}
