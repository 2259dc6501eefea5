// Several collections as one; where a key is in more than one, the first named wins.
import type { Change, Collection } from "./collection.ts";
import { collectionErrors } from "./errors.ts";
import { CollectionNode } from "./node.ts";

export class Join<T> extends CollectionNode<T> {
  readonly inputs: readonly CollectionNode<T>[];
  private stale = new Set<string>();
  /** False until the first update: in mid-batch the inputs do not hold yet what they will. */
  private filled = false;

  constructor(name: string, inputs: readonly [Collection<T>, ...Collection<T>[]]) {
    const nodes = inputs.map((input) => {
      if (input instanceof CollectionNode) return input as CollectionNode<T>;
      throw collectionErrors.foreignGraph(`${input.name} is not part of a graph`);
    });
    const [first] = nodes;
    if (first === undefined || nodes.some((node) => node.graph !== first.graph)) {
      throw collectionErrors.foreignGraph(`${name} joins collections of several graphs`);
    }
    super(first.graph, name, 1 + Math.max(...nodes.map((node) => node.height)), Object.is);
    this.inputs = nodes;
    for (const node of nodes) node.dependants.add(this);
    this.graph.markDirty(this);
  }

  dispose(): void {
    for (const node of this.inputs) node.dependants.delete(this);
    this.graph.forget(this);
  }

  receive(_input: unknown, changes: readonly Change<unknown>[]): void {
    for (const change of changes) this.stale.add(change.key);
  }

  protected update(): void {
    if (!this.filled) {
      this.filled = true;
      for (const node of this.inputs) for (const key of node.keys()) this.stale.add(key);
    }
    this.work.recomputed += this.stale.size;
    for (const key of this.stale) {
      const winner = this.inputs.find((node) => node.has(key));
      const value = winner?.get(key);
      if (value === undefined) this.remove(key);
      else this.put(key, value);
    }
    this.stale = new Set();
  }
}
