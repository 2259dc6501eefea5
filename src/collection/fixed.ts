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
  private awake: boolean;

  /** @param awake false of a layer that is what its base is until `wake` */
  constructor(name: string, base: CollectionNode<T>, instead: ReadonlyMap<string, T>, awake = true) {
    super(name, base, []);
    this.instead = instead;
    this.awake = awake;
    this.begin();
  }

  get isAwake(): boolean {
    return this.awake;
  }

  /** Shows what is different, from now on. */
  wake(): void {
    if (this.awake) return;
    this.awake = true;
    for (const key of this.instead.keys()) this.undecided.add(key);
    this.graph.markDirty(this);
  }

  protected note(): void {}

  protected prepare(first: boolean): void {
    if (first && this.awake) for (const key of this.instead.keys()) this.undecided.add(key);
  }

  protected concerns(key: string): boolean {
    return this.awake && this.instead.has(key);
  }

  protected decide(key: string): T | undefined | typeof asBase {
    return (this.awake ? this.instead.get(key) : undefined) ?? asBase;
  }
}
