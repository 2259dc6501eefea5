// What a client asks for of one type: everything, or names one by one, or both. Equal names are kept once for many streams.
import type { NamePool } from "./name-pool.ts";

/** Everything is asked for in an empty first request (`legacy`), or by the name `*` (xDS protocol, wildcard). */
type Wildcard = "none" | "legacy" | "explicit";

export class Wanted {
  wildcard: Wildcard = "none";
  /** Shared with other streams unless `isOwn`. */
  private list: ReadonlySet<string> = noNames;
  private isOwn = false;
  private changed = false;
  private characters = 0;
  /** The first request, as long as its names are the ones wanted. */
  private first: readonly string[] | undefined;

  get everything(): boolean {
    return this.wildcard !== "none";
  }

  /** Asked for one by one. */
  get names(): ReadonlySet<string> {
    return this.list;
  }

  has(name: string): boolean {
    return this.everything || this.list.has(name);
  }

  /** The names as an object that others have who want the same; undefined where it is this stream's own. */
  get shared(): ReadonlySet<string> | undefined {
    return this.isOwn ? undefined : this.list;
  }

  /** Characters of the names. */
  get length(): number {
    return this.characters;
  }

  /** Takes what an equal list came to before, if the pool knows. To be asked while nothing is wanted yet. */
  begin(list: readonly string[], pool: NamePool | undefined): boolean {
    const known = pool?.of(list);
    if (known === undefined) return false;
    this.list = known;
    for (const name of known) this.characters += name.length;
    return true;
  }

  /** All that is wanted is what the list names. */
  came(list: readonly string[]): void {
    if (this.isOwn) this.first = list;
  }

  add(name: string): void {
    if (this.list.has(name)) return;
    this.own().add(name);
    this.characters += name.length;
  }

  delete(name: string): void {
    if (!this.list.has(name)) return;
    this.own().delete(name);
    this.characters -= name.length;
  }

  /** True where the names may be shared with other streams. */
  get mayShare(): boolean {
    return this.changed;
  }

  /** Keeps the names once for all streams that ask for the same ones. Costs O(names). */
  share(pool: NamePool): void {
    if (!this.changed) return;
    this.changed = false;
    this.list = pool.share(this.list);
    if (this.first !== undefined) pool.remember(this.first, this.list);
    this.first = undefined;
    this.isOwn = false;
  }

  private own(): Set<string> {
    if (!this.isOwn) this.list = new Set(this.list);
    this.isOwn = true;
    this.changed = true;
    this.first = undefined;
    return this.list as Set<string>;
  }
}

const noNames: ReadonlySet<string> = new Set();
