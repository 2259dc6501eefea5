// A set of values for each key, in the order they came. A key without values takes no place.

const none: ReadonlySet<never> = new Set();

export class SetMap<K, V> {
  private readonly sets = new Map<K, Set<V>>();

  /** Empty where there are none. The set itself, not a copy: it changes with the map. */
  get(key: K): ReadonlySet<V> {
    return this.sets.get(key) ?? none;
  }

  /** @returns the key's values, this one among them */
  add(key: K, value: V): ReadonlySet<V> {
    const values = this.sets.get(key) ?? new Set();
    this.sets.set(key, values.add(value));
    return values;
  }

  delete(key: K, value: V): void {
    const values = this.sets.get(key);
    values?.delete(value);
    if (values?.size === 0) this.sets.delete(key);
  }

  clear(): void {
    this.sets.clear();
  }

  /** Keys with values. */
  get size(): number {
    return this.sets.size;
  }
}
