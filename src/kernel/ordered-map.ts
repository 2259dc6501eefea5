// A map whose values can be read in order of their keys, cheaply while few of them change.

/** More new and lost keys than this between two reads are sorted, fewer are put in their places. */
const fewMoves = 32;

/** Keys are compared in UTF-16 code units. */
export class OrderedMap<T> {
  private readonly byKey = new Map<string, T>();
  /** Keys and values in order; undefined while they must be sorted anew. */
  private order: { keys: string[]; values: T[] } | undefined;
  private moves = 0;

  get size(): number {
    return this.byKey.size;
  }

  get(key: string): T | undefined {
    return this.byKey.get(key);
  }

  set(key: string, value: T): void {
    const known = this.byKey.has(key);
    this.byKey.set(key, value);
    const order = known ? this.order : this.orderForMove();
    if (order === undefined) return;
    const at = placeOf(key, order.keys);
    if (known) order.values[at] = value;
    else {
      order.keys.splice(at, 0, key);
      order.values.splice(at, 0, value);
    }
  }

  delete(key: string): void {
    if (!this.byKey.delete(key)) return;
    const order = this.orderForMove();
    if (order === undefined) return;
    const at = placeOf(key, order.keys);
    order.keys.splice(at, 1);
    order.values.splice(at, 1);
  }

  /** All values in order of their keys; only to be read, and only until the next change. */
  inOrder(): readonly T[] {
    this.moves = 0;
    if (this.order === undefined) {
      const keys = [...this.byKey.keys()].sort();
      this.order = { keys, values: keys.map((key) => this.byKey.get(key) as T) };
    }
    return this.order.values;
  }

  private orderForMove(): { keys: string[]; values: T[] } | undefined {
    this.moves += 1;
    if (this.moves > fewMoves) this.order = undefined;
    return this.order;
  }
}

/** Where the key is in the list, or belongs. */
function placeOf(key: string, keys: readonly string[]): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((keys[middle] as string) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
