// The one order of entries by their key, so that equal contents are written as equal bytes.

/** Compares entries by key, in UTF-16 code units: the same on every machine, whatever its locale. */
export function byKey([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
