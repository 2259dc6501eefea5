// A layer of a collection that gathers or puts together what one input holds: looked at are the keys at which the input is
// different from the base's.
import type { GraphNode } from "./graph-node.ts";
import { Layer, type LayerFollower } from "./layer.ts";
import type { CollectionNode } from "./node.ts";

export abstract class InputLayer<I, T> extends Layer<T> implements LayerFollower {
  protected readonly input: Layer<I>;
  /** Keys of the input that are to be looked at in this batch. */
  protected readonly stale = new Set<string>();

  /**
   * @param input what stands for the base's input
   * @param beside what decisions are made of, beside the base and the input; by default the base's own input
   */
  protected constructor(name: string, base: CollectionNode<T>, input: Layer<I>, beside: GraphNode = input.base) {
    super(name, base, [input, beside] as unknown as CollectionNode<unknown>[]);
    this.input = input;
  }

  reconsider(_layer: Layer<unknown>, keys: readonly string[]): void {
    if (this.filled) for (const key of keys) this.stale.add(key);
  }

  protected prepare(first: boolean): void {
    if (first) for (const key of this.input.differences()) this.stale.add(key);
    this.look();
    this.stale.clear();
  }

  /** Looks at the keys in `stale`; adds to `undecided`, as `prepare` of a layer does. */
  protected abstract look(): void;
}
