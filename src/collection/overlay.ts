// A collection as it is, but for a few keys: another collection says which, and what stands there instead.
//
// It holds only what is different. Keys that nothing of `by` concerns cost nothing and pass through with their changes.
import { Tally } from "../kernel/tally.ts";
import type { Change, Collection } from "./collection.ts";
import { collectionErrors } from "./errors.ts";
import type { GraphNode } from "./graph-node.ts";
import { CollectionNode } from "./node.ts";

export interface OverlayOptions<T, S> {
  name: string;
  from: Collection<T>;
  /** What makes the difference. */
  by: Collection<S>;
  /** Keys of `from` that one value of `by` may concern. */
  keysOf(value: S): Iterable<string>;
  /**
   * What stands for a value: itself, another, or undefined where nothing does. A pure function of its arguments and of the
   * values of `by` that concern the key.
   */
  derive(value: T, key: string): T | undefined;
  equals: (a: T, b: T) => boolean;
}

export class Overlay<T, S> extends CollectionNode<T> {
  private readonly options: OverlayOptions<T, S>;
  private readonly input: CollectionNode<T>;
  private readonly by: CollectionNode<S>;
  /** How many values of `by` concern a key. */
  private readonly concerns = new Tally<string>();
  /** Where something else than the input's value is shown. */
  private readonly instead = new Map<string, T | undefined>();
  /** Changes of this batch, taken up but not looked at: in mid-batch the input may show what it will not hold. */
  private taken: readonly Change<T>[] = [];
  private reconsidered: readonly Change<S>[] = [];
  /** False until the first update: in mid-batch the inputs do not hold yet what they will, and it shows nothing. */
  private filled = false;

  constructor(options: OverlayOptions<T, S>) {
    const { from, by } = options;
    if (!(from instanceof CollectionNode && by instanceof CollectionNode && from.graph === by.graph)) {
      throw collectionErrors.foreignGraph(`${options.name} needs two collections of one graph`);
    }
    super(from.graph, options.name, 1 + Math.max(from.height, by.height), options.equals);
    this.options = options;
    this.input = from as CollectionNode<T>;
    this.by = by as CollectionNode<S>;
    for (const node of [this.input, this.by] as CollectionNode<unknown>[]) node.dependants.add(this);
    this.graph.markDirty(this);
  }

  dispose(): void {
    for (const node of [this.input, this.by] as CollectionNode<unknown>[]) node.dependants.delete(this);
    this.graph.forget(this);
  }

  /** Keys whose value is another one here than in the input. */
  get replaced(): Iterable<string> {
    return this.instead.keys();
  }

  override get size(): number {
    if (!this.filled) return 0;
    let missing = 0;
    for (const value of this.instead.values()) if (value === undefined) missing += 1;
    return this.input.size - missing;
  }

  override get(key: string): T | undefined {
    if (!this.filled) return undefined;
    return this.instead.size > 0 && this.instead.has(key) ? this.instead.get(key) : this.input.get(key);
  }

  override has(key: string): boolean {
    return this.get(key) !== undefined;
  }

  override *entries(): IterableIterator<[string, T]> {
    if (!this.filled) return;
    for (const entry of this.input.entries()) {
      const value = this.instead.has(entry[0]) ? this.instead.get(entry[0]) : entry[1];
      if (value === entry[1]) yield entry;
      else if (value !== undefined) yield [entry[0], value];
    }
  }

  override keys(): IterableIterator<string> {
    return this.filled && this.instead.size === 0 ? this.input.keys() : this.keysOfEntries();
  }

  override values(): IterableIterator<T> {
    return this.filled && this.instead.size === 0 ? this.input.values() : this.valuesOfEntries();
  }

  private *keysOfEntries(): IterableIterator<string> {
    for (const [key] of this.entries()) yield key;
  }

  private *valuesOfEntries(): IterableIterator<T> {
    for (const [, value] of this.entries()) yield value;
  }

  receive(node: GraphNode, changes: readonly Change<unknown>[]): void {
    if (!this.filled) return;
    if (node === this.input) this.taken = changes as readonly Change<T>[];
    if (node === this.by) this.reconsidered = changes as readonly Change<S>[];
  }

  override settle(): readonly Change<T>[] {
    if (!this.filled) return this.fill();
    const { taken, reconsidered } = this;
    this.taken = [];
    this.reconsidered = [];
    // Nothing is different from the input, and nothing becomes so.
    if (reconsidered.length === 0 && this.concerns.size === 0 && this.instead.size === 0) return taken;
    const stale = new Set<string>();
    for (const { before, after } of reconsidered) {
      if (before !== undefined) this.count(before, -1, stale);
      if (after !== undefined) this.count(after, 1, stale);
    }
    const changes: Change<T>[] = [];
    const before = new Map<string, T | undefined>();
    for (const change of taken) {
      const { key } = change;
      if (stale.has(key) || this.concerns.get(key) > 0 || this.instead.has(key)) {
        stale.add(key);
        before.set(key, change.before);
      } else changes.push(change);
    }
    for (const key of stale) {
      const ofInput = before.has(key) ? before.get(key) : this.input.get(key);
      const shown = this.instead.has(key) ? this.instead.get(key) : ofInput;
      this.decide(key);
      const after = this.get(key);
      if (after !== shown) changes.push({ key, before: shown, after });
    }
    return changes;
  }

  protected update(): void {}

  private fill(): readonly Change<T>[] {
    const stale = new Set<string>();
    for (const value of this.by.values()) this.count(value, 1, stale);
    this.filled = true;
    for (const key of stale) this.decide(key);
    // What depends on it is as new as it is, and looks for itself.
    if (this.listeners.size === 0) return [];
    const changes: Change<T>[] = [];
    for (const [key, after] of this.entries()) changes.push({ key, before: undefined, after });
    return changes;
  }

  /** @param stale is given the keys that the value concerns */
  private count(value: S, step: 1 | -1, stale: Set<string>): void {
    for (const key of this.options.keysOf(value)) {
      if (step === 1) this.concerns.add(key);
      else this.concerns.remove(key);
      stale.add(key);
    }
  }

  private decide(key: string): void {
    const value = this.input.get(key);
    if (value === undefined || this.concerns.get(key) === 0) {
      this.instead.delete(key);
      return;
    }
    let made: T | undefined = value;
    try {
      made = this.options.derive(value, key);
    } catch (error) {
      this.graph.fail({ collection: this.name, key, error });
    }
    if (made === value) {
      this.instead.delete(key);
      return;
    }
    const present = this.instead.get(key);
    // What is equal stays the same object, so that it shows no change.
    const isSame = present !== undefined && made !== undefined && this.options.equals(present, made);
    this.instead.set(key, isSame ? present : made);
  }
}
