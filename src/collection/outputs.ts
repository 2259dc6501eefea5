// What one derivation made: mostly one value, under the key of its input.

/** From so many on a map finds a key faster than a look at all. */
const longList = 8;

export class Outputs {
  /** Key, value, key, value …; the values are in `byKey` where there are many. */
  private places: unknown[] = [];
  private byKey: Map<string, unknown> | undefined;

  /** The last value of a key counts. */
  set(key: string, value: unknown): void {
    const { places } = this;
    if (this.byKey !== undefined) {
      this.byKey.set(key, value);
      return;
    }
    for (let at = 0; at < places.length; at += 2) {
      if (places[at] !== key) continue;
      places[at + 1] = value;
      return;
    }
    places.push(key, value);
    if (places.length < 2 * longList) return;
    this.byKey = new Map(this);
    this.places = [];
  }

  /** No more is to come: gives back the room that a list keeps for what may be pushed. */
  trim(): this {
    this.places = this.places.slice();
    return this;
  }

  has(key: string): boolean {
    if (this.byKey !== undefined) return this.byKey.has(key);
    for (let at = 0; at < this.places.length; at += 2) if (this.places[at] === key) return true;
    return false;
  }

  get(key: string): unknown {
    if (this.byKey !== undefined) return this.byKey.get(key);
    for (let at = 0; at < this.places.length; at += 2) if (this.places[at] === key) return this.places[at + 1];
    return undefined;
  }

  *[Symbol.iterator](): IterableIterator<[key: string, value: unknown]> {
    if (this.byKey !== undefined) {
      yield* this.byKey;
      return;
    }
    for (let at = 0; at < this.places.length; at += 2) yield [this.places[at] as string, this.places[at + 1]];
  }
}
