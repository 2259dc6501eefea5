// Collections that never change.
import type { Change } from "./collection.ts";
import type { Graph } from "./graph.ts";
import { asBase, Layer } from "./layer.ts";
import { CollectionNode } from "./node.ts";

export class Fixed<T> extends CollectionNode<T> {
  constructor(graph: Graph, name: string, entries: Iterable<readonly [string, T]>) {
    super(graph, name, 0, Object.is);
    for (const [key, value] of entries) this.contents.set(key, value);
  }

  dispose(): void {}

  receive(): void {}

  override settle(): readonly Change<T>[] {
    return [];
  }

  protected update(): void {}
}

/** Another collection with some values in the place of its own. */
export class FixedLayer<T> extends Layer<T> {
  private readonly instead: ReadonlyMap<string, T>;

  constructor(name: string, base: CollectionNode<T>, instead: ReadonlyMap<string, T>) {
    super(name, base, []);
    this.instead = instead;
    this.begin();
  }

  protected note(): void {}

  protected prepare(first: boolean): void {
    if (first) for (const key of this.instead.keys()) this.undecided.add(key);
  }

  protected concerns(key: string): boolean {
    return this.instead.has(key);
  }

  protected decide(key: string): T | undefined | typeof asBase {
    return this.instead.get(key) ?? asBase;
  }
}
