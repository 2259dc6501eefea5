// Another collection's values, let through a few at a time: what is derived of a large collection for the first time need not be
// derived in one go.
import type { Change, Collection } from "./collection.ts";
import { collectionErrors } from "./errors.ts";
import { CollectionNode } from "./node.ts";

export class Gradual<T> extends CollectionNode<T> {
  readonly input: CollectionNode<T>;
  /** Keys that were not let through yet; undefined before the first update. */
  private waiting: Set<string> | undefined;
  private stale = new Set<string>();
  private due = 0;

  /** Nothing passes before `release`. */
  constructor(name: string, from: Collection<T>) {
    if (!(from instanceof CollectionNode)) throw collectionErrors.foreignGraph(`${from.name} is not part of a graph`);
    const input = from as CollectionNode<T>;
    super(input.graph, name, input.height + 1, Object.is);
    this.input = input;
    input.dependants.add(this);
    this.graph.markDirty(this);
  }

  /** True once everything has been let through; from then on it is what the other collection is. */
  get open(): boolean {
    return this.waiting?.size === 0;
  }

  /** Lets the next so many keys through. */
  release(count: number): void {
    this.due += count;
    this.graph.markDirty(this);
  }

  dispose(): void {
    this.input.dependants.delete(this);
    this.graph.forget(this);
  }

  receive(_input: unknown, changes: readonly Change<unknown>[]): void {
    const { waiting } = this;
    if (waiting === undefined) return;
    for (const { key, before, after } of changes) {
      if (waiting.has(key)) {
        if (after === undefined) waiting.delete(key);
      } else if (before === undefined && waiting.size > 0) waiting.add(key);
      else this.stale.add(key);
    }
  }

  protected update(): void {
    this.waiting ??= new Set(this.input.keys());
    for (const key of this.waiting) {
      if (this.due <= 0) break;
      this.due -= 1;
      this.waiting.delete(key);
      this.stale.add(key);
    }
    this.due = 0;
    for (const key of this.stale) {
      const value = this.input.get(key);
      if (value === undefined) this.remove(key);
      else this.put(key, value);
    }
    this.stale.clear();
  }
}
