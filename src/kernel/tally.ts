// How many there are of each. What has none takes no place.

export class Tally<K> {
  private readonly counts = new Map<K, number>();

  /** 0 where there is none. */
  get(key: K): number {
    return this.counts.get(key) ?? 0;
  }

  /** @returns how many there are now */
  add(key: K): number {
    const count = this.get(key) + 1;
    this.counts.set(key, count);
    return count;
  }

  /** One less; nothing where there is none. */
  remove(key: K): void {
    const count = this.get(key) - 1;
    if (count > 0) this.counts.set(key, count);
    else this.counts.delete(key);
  }

  entries(): IterableIterator<[K, number]> {
    return this.counts.entries();
  }

  /** Keys of which there is at least one. */
  get size(): number {
    return this.counts.size;
  }
}
