// A join of other collections than its base is of.
import type { Change } from "./collection.ts";
import type { GraphNode } from "./graph-node.ts";
import type { Join } from "./join.ts";
import { asBase, Layer, type LayerFollower } from "./layer.ts";
import type { CollectionNode } from "./node.ts";

export class JoinLayer<T> extends Layer<T> implements LayerFollower {
  /** What stands for each input of the base, in the same order. */
  private readonly joined: readonly CollectionNode<T>[];
  /** Keys at which an input is different. */
  private readonly different = new Set<string>();
  /** To be looked at when all inputs have settled. */
  private readonly reconsidered = new Set<string>();

  constructor(name: string, base: Join<T>, inputs: readonly CollectionNode<T>[]) {
    super(name, base, inputs as readonly CollectionNode<unknown>[]);
    this.joined = inputs;
    this.begin();
  }

  reconsider(_layer: Layer<unknown>, keys: readonly string[]): void {
    if (this.filled) for (const key of keys) this.reconsidered.add(key);
  }

  protected note(_node: GraphNode, changes: readonly Change<unknown>[]): void {
    if (this.different.size === 0) return;
    for (const { key } of changes) if (this.different.has(key)) this.undecided.add(key);
  }

  protected prepare(first: boolean): void {
    for (const input of first ? this.joined : []) {
      if (input instanceof Layer) for (const key of input.differences()) this.reconsidered.add(key);
    }
    for (const key of this.reconsidered) this.consider(key);
    this.reconsidered.clear();
  }

  protected concerns(key: string): boolean {
    return this.different.has(key);
  }

  protected decide(key: string): T | undefined | typeof asBase {
    return this.different.has(key) ? this.joined.find((input) => input.has(key))?.get(key) : asBase;
  }

  private consider(key: string): void {
    if (this.joined.some((input) => input instanceof Layer && input.differs(key))) this.different.add(key);
    else this.different.delete(key);
    this.undecided.add(key);
  }
}
