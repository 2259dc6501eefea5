// A layer over a collection of which another collection says what concerns which keys, and what stands there instead.
import { Tally } from "../kernel/tally.ts";
import type { Change, Collection } from "./collection.ts";
import { collectionErrors } from "./errors.ts";
import type { GraphNode } from "./graph-node.ts";
import { asBase, Layer, type LayerFollower } from "./layer.ts";
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

export class Overlay<T, S> extends Layer<T> implements LayerFollower {
  private readonly options: OverlayOptions<T, S>;
  private readonly by: CollectionNode<S>;
  /** How many values of `by` concern a key. */
  private readonly concerned = new Tally<string>();
  /** Changes of `by` in this batch. */
  private reconsidered: readonly Change<S>[] = [];

  constructor(options: OverlayOptions<T, S>) {
    const { name, from, by, equals } = options;
    if (!(from instanceof CollectionNode && by instanceof CollectionNode && from.graph === by.graph)) {
      throw collectionErrors.foreignGraph(`${name} needs two collections of one graph`);
    }
    super(name, from as CollectionNode<T>, [by as CollectionNode<unknown>], equals);
    this.options = options;
    this.by = by as CollectionNode<S>;
    this.begin();
  }

  /** What becomes different from a base of one of the inputs comes as a change. */
  reconsider(): void {}

  protected note(input: GraphNode, changes: readonly Change<unknown>[]): void {
    if (input === this.by) this.reconsidered = changes as readonly Change<S>[];
  }

  protected prepare(first: boolean): void {
    if (first) for (const value of this.by.values()) this.count(value, 1);
    for (const { before, after } of this.reconsidered) {
      if (before !== undefined) this.count(before, -1);
      if (after !== undefined) this.count(after, 1);
    }
    this.reconsidered = [];
  }

  protected concerns(key: string): boolean {
    return this.concerned.get(key) > 0;
  }

  protected decide(key: string): T | undefined | typeof asBase {
    const value = this.base.get(key);
    if (value === undefined || !this.concerns(key)) return asBase;
    try {
      const made = this.options.derive(value, key);
      return made === value ? asBase : made;
    } catch (error) {
      this.graph.fail({ collection: this.name, key, error });
      return asBase;
    }
  }

  private count(value: S, step: 1 | -1): void {
    for (const key of this.options.keysOf(value)) {
      if (step === 1) this.concerned.add(key);
      else this.concerned.remove(key);
      this.undecided.add(key);
    }
  }
}
