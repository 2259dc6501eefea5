// Equal sets of names, kept once: most proxies of a fleet ask for the same load assignments.

/** Smaller sets are not worth sharing. */
const smallestShared = 4;
/** Dead entries are swept when the pool has doubled, first at this size. */
const firstSweep = 256;

export class NamePool {
  private readonly known = new Map<number, WeakRef<ReadonlySet<string>>>();
  /** By the list that they were asked for with, where a list is known to come again. */
  private readonly listed = new WeakMap<readonly string[], ReadonlySet<string>>();
  private sweepAt = firstSweep;
  private hits = 0;
  private misses = 0;

  /** A set with the same names, perhaps the same object; neither may be changed afterwards. */
  share(names: ReadonlySet<string>): ReadonlySet<string> {
    if (names.size < smallestShared) return names;
    const key = hashOf(names);
    const known = this.known.get(key)?.deref();
    if (known !== undefined && sameNames(known, names)) {
      this.hits += 1;
      return known;
    }
    this.misses += 1;
    this.known.set(key, new WeakRef(names));
    if (this.known.size > this.sweepAt) this.sweep();
    return names;
  }

  /** The names of a list, if `remember` was told. */
  of(list: readonly string[]): ReadonlySet<string> | undefined {
    return this.listed.get(list);
  }

  /** @param names a set that `share` returned; what the list names, and nothing else */
  remember(list: readonly string[], names: ReadonlySet<string>): void {
    if (names.size >= smallestShared) this.listed.set(list, names);
  }

  /** Sets the pool knows of, those that nobody uses any more included until the next sweep. */
  get size(): number {
    return this.known.size;
  }

  get counts(): { kept: number; hits: number; misses: number } {
    return { kept: this.known.size, hits: this.hits, misses: this.misses };
  }

  private sweep(): void {
    for (const [key, reference] of this.known) if (reference.deref() === undefined) this.known.delete(key);
    this.sweepAt = Math.max(firstSweep, this.known.size * 2);
  }
}

/** Characters of a name that its hash is made of, at most, spread over all of it. */
const hashedCharacters = 16;

/** Does not depend on the order. FNV-1a per name; sums of them. Collisions are found out by comparing. */
function hashOf(names: ReadonlySet<string>): number {
  let sum = names.size;
  for (const name of names) {
    let hash = 0x811c9dc5;
    const step = Math.max(1, Math.floor(name.length / hashedCharacters));
    for (let at = 0; at < name.length; at += step) hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193);
    sum = (sum + (hash >>> 0)) % Number.MAX_SAFE_INTEGER;
  }
  return sum;
}

function sameNames(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  if (a === b) return true;
  if (a.size !== b.size) return false;
  for (const name of a) if (!b.has(name)) return false;
  return true;
}
