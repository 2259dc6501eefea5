// A collection that is another one, its base, but for some keys. It holds only what is different: keys that it decides nothing
// about cost nothing, and pass through with their changes.
import type { Change } from "./collection.ts";
import type { GraphNode } from "./graph-node.ts";
import { CollectionNode } from "./node.ts";

/** A layer that decides nothing about a key shows what its base has. */
export const asBase = Symbol("as base");

/** Who must know where a layer is different from its base. */
export interface LayerFollower extends GraphNode {
  /** @param keys at which the layer began or ceased to be different from its base */
  reconsider(layer: Layer<unknown>, keys: readonly string[]): void;
}

export abstract class Layer<T> extends CollectionNode<T> {
  readonly base: CollectionNode<T>;
  readonly followers = new Set<LayerFollower>();
  /** Keys to be decided in this batch. */
  protected readonly undecided = new Set<string>();
  /** False until the first update: in mid-batch the inputs do not hold yet what they will, and it shows nothing. */
  protected filled = false;
  /** What was decided; undefined where nothing is shown. */
  private readonly decided = new Map<string, T | undefined>();
  private decisions = 0;
  /** Changes of the base in this batch. */
  private taken: readonly Change<T>[] = [];
  private readonly inputs: readonly CollectionNode<unknown>[];

  /**
   * @param inputs what decisions are made of, beside the base
   * @param equals as the base has it where left out
   */
  protected constructor(
    name: string,
    base: CollectionNode<T>,
    inputs: Iterable<CollectionNode<unknown>>,
    equals: (a: T, b: T) => boolean = (a, b) => base.isEqual(a, b),
  ) {
    const all = [...new Set<CollectionNode<unknown>>([base as CollectionNode<unknown>, ...inputs])];
    super(base.graph, name, 1 + Math.max(...all.map(({ height }) => height)), equals);
    this.base = base;
    this.inputs = all;
    for (const input of all) {
      input.dependants.add(this);
      if (input instanceof Layer) input.followers.add(this as unknown as LayerFollower);
    }
  }

  /** To be called at the end of a layer's constructor: its first update may be now. */
  protected begin(): void {
    this.graph.markDirty(this);
  }

  dispose(): void {
    for (const input of this.inputs) {
      input.dependants.delete(this);
      if (input instanceof Layer) input.followers.delete(this as unknown as LayerFollower);
    }
    this.graph.forget(this);
  }

  /** True where something else is shown than in the base. */
  differs(key: string): boolean {
    return this.decided.has(key) && this.decided.get(key) !== this.base.get(key);
  }

  /** Keys at which something else is shown than in the base. */
  *differences(): IterableIterator<string> {
    for (const [key, value] of this.decided) if (value !== this.base.get(key)) yield key;
  }

  override get size(): number {
    if (!this.filled) return 0;
    let { size } = this.base;
    for (const [key, value] of this.decided) size += Number(value !== undefined) - Number(this.base.has(key));
    return size;
  }

  override get generation(): number {
    return this.base.generation + this.decisions;
  }

  override get(key: string): T | undefined {
    if (!this.filled) return undefined;
    return this.decided.size > 0 && this.decided.has(key) ? this.decided.get(key) : this.base.get(key);
  }

  override has(key: string): boolean {
    return this.get(key) !== undefined;
  }

  override *entries(): IterableIterator<[string, T]> {
    if (!this.filled) return;
    for (const entry of this.base.entries()) {
      const value = this.decided.has(entry[0]) ? this.decided.get(entry[0]) : entry[1];
      if (value === entry[1]) yield entry;
      else if (value !== undefined) yield [entry[0], value];
    }
    for (const [key, value] of this.decided) if (value !== undefined && !this.base.has(key)) yield [key, value];
  }

  override keys(): IterableIterator<string> {
    return this.filled && this.decided.size === 0 ? this.base.keys() : this.keysOfEntries();
  }

  override values(): IterableIterator<T> {
    return this.filled && this.decided.size === 0 ? this.base.values() : this.valuesOfEntries();
  }

  receive(input: GraphNode, changes: readonly Change<unknown>[]): void {
    if (!this.filled) return;
    if (input === this.base) this.taken = changes as readonly Change<T>[];
    this.note(input, changes);
  }

  override settle(): readonly Change<T>[] {
    this.work.runs += 1;
    if (!this.filled) return this.fill();
    const { taken } = this;
    this.taken = [];
    this.prepare(false);
    let before: Map<string, T | undefined> | undefined;
    for (const change of taken) {
      const { key } = change;
      if (!this.undecided.has(key) && !this.decided.has(key) && !this.concerns(key)) continue;
      before ??= new Map();
      before.set(key, change.before);
      this.undecided.add(key);
    }
    if (this.undecided.size === 0) return taken;
    const changes = before === undefined ? [...taken] : taken.filter(({ key }) => before?.has(key) !== true);
    this.decideAll(before, (change) => changes.push(change));
    return changes;
  }

  /** True where it was decided what is shown. */
  protected decides(key: string): boolean {
    return this.decided.has(key);
  }

  protected update(): void {}

  /** Takes up changes of an input; they are worked on in `prepare`. */
  protected abstract note(input: GraphNode, changes: readonly Change<unknown>[]): void;

  /** Brings up to date what decisions are made of, and adds to `undecided` the keys of which they may have become others. */
  protected abstract prepare(first: boolean): void;

  /** True where a change of the base at a key that is not decided must be looked at. */
  protected abstract concerns(key: string): boolean;

  /** What is shown for the key; undefined for nothing. */
  protected abstract decide(key: string): T | undefined | typeof asBase;

  private fill(): readonly Change<T>[] {
    this.filled = true;
    this.decisions += 1;
    this.prepare(true);
    this.decideAll(undefined, () => {});
    // What depends on it is as new as it is, and looks for itself.
    if (this.listeners.size === 0) return [];
    return [...this.entries()].map(([key, after]) => ({ key, before: undefined, after }));
  }

  private decideAll(before: ReadonlyMap<string, T | undefined> | undefined, tell: (change: Change<T>) => void): void {
    const flipped: string[] = [];
    this.work.recomputed += this.undecided.size;
    for (const key of this.undecided) {
      const ofBase = before?.has(key) === true ? before.get(key) : this.base.get(key);
      const wasDecided = this.decided.has(key);
      const shown = wasDecided ? this.decided.get(key) : ofBase;
      const differed = wasDecided && shown !== ofBase;
      const after = this.decideOne(key, shown);
      if (after !== shown) {
        this.work.changed += 1;
        tell({ key, before: shown, after });
      }
      if (differed !== this.differs(key)) flipped.push(key);
    }
    this.undecided.clear();
    if (flipped.length === 0) return;
    for (const follower of this.followers) {
      follower.reconsider(this as unknown as Layer<unknown>, flipped);
      this.graph.markDirty(follower);
    }
  }

  /** @param shown until now; it stays where what is to be shown is equal, so that there is no change */
  private decideOne(key: string, shown: T | undefined): T | undefined {
    const ofBase = this.base.get(key);
    const decision = this.decide(key);
    const wanted = decision === asBase ? ofBase : decision;
    const isEqual = (value: T | undefined): boolean =>
      wanted === value || (wanted !== undefined && value !== undefined && this.same(key, wanted, value));
    const after = isEqual(shown) ? shown : isEqual(ofBase) ? ofBase : wanted;
    this.decisions += 1;
    if (decision === asBase && after === ofBase) this.decided.delete(key);
    else this.decided.set(key, after);
    return after;
  }

  private *keysOfEntries(): IterableIterator<string> {
    for (const [key] of this.entries()) yield key;
  }

  private *valuesOfEntries(): IterableIterator<T> {
    for (const [, value] of this.entries()) yield value;
  }
}
