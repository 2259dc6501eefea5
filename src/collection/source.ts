// A collection that is written from outside: where data enters the graph.
import { sameData } from "../kernel/equal.ts";
import type { Graph } from "./graph.ts";
import { CollectionNode } from "./node.ts";

export class Source<T> extends CollectionNode<T> {
  /** @param equals true where two values mean the same; default: the same data */
  constructor(graph: Graph, name: string, equals: (a: T, b: T) => boolean = sameData) {
    super(graph, name, 0, equals);
  }

  set(key: string, value: T): void {
    if (this.put(key, value)) this.graph.markDirty(this);
  }

  delete(key: string): void {
    if (this.remove(key)) this.graph.markDirty(this);
  }

  /** Makes the contents equal to `next`, as one batch. */
  replace(next: ReadonlyMap<string, T>): void {
    this.graph.batch(() => {
      for (const key of [...this.keys()]) if (!next.has(key)) this.delete(key);
      for (const [key, value] of next) this.set(key, value);
    });
  }

  receive(): void {}

  protected update(): void {}
}
