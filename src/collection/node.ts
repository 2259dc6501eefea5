// What every collection of a graph has: values, height, dependants, listeners.
import type { Change, Collection, Unsubscribe } from "./collection.ts";
import type { Graph } from "./graph.ts";
import type { GraphNode, NodeWork } from "./graph-node.ts";

/** Listeners one collection may have: one per consumer, so growth beyond this is a leak. */
const listenerLimit = 100_000;

export abstract class CollectionNode<T> implements Collection<T>, GraphNode {
  readonly name: string;
  readonly graph: Graph;
  readonly height: number;
  readonly dependants = new Set<GraphNode>();
  readonly work: NodeWork = { runs: 0, recomputed: 0, changed: 0, spentMs: 0 };
  protected readonly contents = new Map<string, T>();
  private readonly equals: (a: T, b: T) => boolean;
  protected readonly listeners = new Set<(changes: readonly Change<T>[]) => void>();
  /** Values before the current batch, for the keys it touched. */
  private touched = new Map<string, T | undefined>();
  private writes = 0;

  protected constructor(graph: Graph, name: string, height: number, equals: (a: T, b: T) => boolean) {
    this.graph = graph;
    this.name = name;
    this.height = height;
    this.equals = equals;
  }

  get size(): number {
    return this.contents.size;
  }

  get generation(): number {
    return this.writes;
  }

  get(key: string): T | undefined {
    return this.contents.get(key);
  }

  has(key: string): boolean {
    return this.contents.has(key);
  }

  keys(): IterableIterator<string> {
    return this.contents.keys();
  }

  values(): IterableIterator<T> {
    return this.contents.values();
  }

  entries(): IterableIterator<[string, T]> {
    return this.contents.entries();
  }

  subscribe(listener: (changes: readonly Change<T>[]) => void): Unsubscribe {
    if (this.listeners.size >= listenerLimit) throw new RangeError(`${this.name} has ${listenerLimit} listeners`);
    const entry = (changes: readonly Change<T>[]): void => listener(changes);
    this.listeners.add(entry);
    return () => this.listeners.delete(entry);
  }

  /** Number of listeners and dependants; tests assert that it returns to zero. */
  get observers(): number {
    return this.listeners.size + this.dependants.size;
  }

  abstract receive(input: GraphNode, changes: readonly Change<unknown>[]): void;

  settle(): readonly Change<T>[] {
    this.work.runs += 1;
    this.update();
    if (this.touched.size === 0) return [];
    const changes: Change<T>[] = [];
    for (const [key, before] of this.touched) {
      const after = this.contents.get(key);
      if (before !== after) changes.push({ key, before, after });
    }
    this.touched = new Map();
    this.work.changed += changes.length;
    return changes;
  }

  tell(changes: readonly Change<unknown>[]): void {
    for (const listener of [...this.listeners]) {
      if (!this.listeners.has(listener)) continue;
      try {
        listener(changes as readonly Change<T>[]);
      } catch (error) {
        this.graph.fail({ collection: this.name, key: "", error }); // one consumer's fault must not cost the others their news
      }
    }
  }

  /** True where two values mean the same. */
  isEqual(a: T, b: T): boolean {
    return this.equals(a, b);
  }

  /** Works off what `receive` took up. */
  protected abstract update(): void;

  /** Sets a value unless it is equal to the present one. Returns whether it was different. */
  protected put(key: string, value: T): boolean {
    const present = this.contents.get(key);
    if (present !== undefined && this.same(key, present, value)) return false;
    const first = this.touched.get(key);
    if (!this.touched.has(key)) this.touched.set(key, present);
    // Back to the value of before the batch: keep the old object, so that the batch shows no change.
    this.writes += 1;
    this.contents.set(key, first !== undefined && this.same(key, first, value) ? first : value);
    return true;
  }

  /** Where the comparison itself fails, values count as different: news too many rather than none. */
  protected same(key: string, a: T, b: T): boolean {
    if (a === b) return true;
    try {
      return this.equals(a, b);
    } catch (error) {
      this.graph.fail({ collection: this.name, key, error });
      return false;
    }
  }

  protected remove(key: string): boolean {
    if (!this.contents.has(key)) return false;
    if (!this.touched.has(key)) this.touched.set(key, this.contents.get(key));
    this.writes += 1;
    this.contents.delete(key);
    return true;
  }
}
