// A map with room for so many keys; the one that was set longest ago makes way for a new one.

export class RecentMap<K, V> {
  private readonly limit: number;
  /** In the order of their setting. */
  private readonly byKey = new Map<K, V>();

  constructor(limit: number) {
    this.limit = limit;
  }

  get size(): number {
    return this.byKey.size;
  }

  has(key: K): boolean {
    return this.byKey.has(key);
  }

  get(key: K): V | undefined {
    return this.byKey.get(key);
  }

  /** Makes the key the newest. */
  set(key: K, value: V): void {
    this.byKey.delete(key);
    this.byKey.set(key, value);
    const [oldest] = this.byKey.size > this.limit ? this.byKey.keys() : [];
    if (oldest !== undefined) this.byKey.delete(oldest);
  }

  delete(key: K): boolean {
    return this.byKey.delete(key);
  }

  /** Those that were set longest ago first. */
  values(): IterableIterator<V> {
    return this.byKey.values();
  }
}
