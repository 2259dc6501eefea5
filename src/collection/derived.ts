// A collection computed from another: one value in, any number out, recomputed only where an input changed.

import { sameData } from "../kernel/equal.ts";
import type { LateenError } from "../kernel/error.ts";
import { byKey } from "../kernel/key-order.ts";
import type { Change, Collection } from "./collection.ts";
import { collectionErrors } from "./errors.ts";
import type { GraphNode } from "./graph-node.ts";
import { CollectionNode } from "./node.ts";
import { Outputs } from "./outputs.ts";
import { everyKey, ReaderIndex, type ReadKey, ReadList } from "./read-list.ts";

/** Reads other collections inside a derivation; what is read is a dependency of the value being derived. */
export interface Reader {
  /** The value of one key, of a collection or of a group. */
  get<U>(collection: Collection<U>, key: string): U | undefined;
  /** All values in order of key. The derivation then runs at every change of the collection: prefer `get` on a group. */
  all<U>(collection: Collection<U>): U[];
}

export interface DerivedOptions<I, T> {
  name: string;
  from: Collection<I>;
  /** Every collection that `derive` may read through its Reader. */
  uses?: readonly Collection<unknown>[];
  /**
   * A pure function of its arguments and of what it reads. Where two inputs give the same output key, the input whose key
   * sorts first wins.
   */
  derive(value: I, key: string, read: Reader): Iterable<readonly [string, T]>;
  equals?: (a: T, b: T) => boolean;
}

/** What one input key produced and read. */
interface Trace {
  readonly outputs: Outputs;
  readonly reads: ReadList;
}

export class Derived<I, T> extends CollectionNode<T> {
  private readonly options: DerivedOptions<I, T>;
  private readonly input: CollectionNode<I>;
  private readonly used: ReadonlySet<GraphNode>;
  private readonly traces = new Map<string, Trace>();
  private readonly readers = new ReaderIndex();
  /** Inputs that produce a key, where there are several. */
  private readonly rivals = new Map<string, Set<string>>();
  /** Whose value an output key has, where that is not the input of the same key. */
  private readonly foreignOwners = new Map<string, string>();
  private stale = new Set<string>();
  /** False until the first update: in mid-batch the inputs do not hold yet what they will. */
  private filled = false;
  private disposed = false;

  constructor(options: DerivedOptions<I, T>) {
    const input = asNode(options.from);
    const used = (options.uses ?? []).map((collection) => asNode(collection as Collection<unknown>));
    const height = 1 + Math.max(input.height, ...used.map((node) => node.height));
    super(input.graph, options.name, height, options.equals ?? sameData);
    for (const node of used) {
      if (node.graph !== input.graph)
        throw collectionErrors.foreignGraph(`${options.name} mixes graphs (${node.name})`);
    }
    this.options = options;
    this.input = input;
    this.used = new Set(used);
    for (const node of [input, ...used]) node.dependants.add(this);
    this.graph.markDirty(this);
  }

  /** Takes the collection out of its graph. Nothing may depend on it any more. */
  dispose(): void {
    this.disposed = true;
    this.input.dependants.delete(this);
    for (const node of this.used) (node as CollectionNode<unknown>).dependants.delete(this);
    this.graph.forget(this);
  }

  receive(input: GraphNode, changes: readonly Change<unknown>[]): void {
    if (input === this.input) for (const change of changes) this.stale.add(change.key);
    this.readers.visit(input, readKeysOf(changes), (reader) => this.stale.add(reader));
  }

  protected update(): void {
    if (!this.filled) {
      this.filled = true;
      for (const key of this.input.keys()) this.stale.add(key);
    }
    const stale = this.stale;
    this.stale = new Set();
    this.work.recomputed += stale.size;
    for (const key of stale) {
      const value = this.input.get(key);
      if (value === undefined) this.replaceTrace(key, undefined);
      else this.recompute(key, value);
    }
  }

  private recompute(key: string, value: I): void {
    const reads = new ReadList();
    let outputs = new Outputs();
    const reader: Reader = {
      get: (collection, wanted) => {
        this.note(reads, collection, wanted);
        return collection.get(wanted);
      },
      all: (collection) => {
        this.note(reads, collection, everyKey);
        return [...collection.entries()].sort(byKey).map(([, item]) => item);
      },
    };
    try {
      for (const [outKey, output] of this.options.derive(value, key, reader)) outputs.set(outKey, output);
    } catch (error) {
      // The last good outputs stay; what was read until now is kept too, so that a cure is noticed.
      outputs = this.traces.get(key)?.outputs ?? new Outputs();
      this.graph.fail({
        ...{ collection: this.name, key, error },
        inputs: () => inputsOf(value, reads),
        retry: () => this.derive(key),
      });
    }
    this.replaceTrace(key, { outputs: outputs.trim(), reads: reads.trim() });
  }

  private derive(key: string): void {
    if (this.disposed || !this.input.has(key)) return;
    this.stale.add(key);
    this.graph.markDirty(this);
  }

  private note(reads: ReadList, collection: Collection<unknown>, key: ReadKey): void {
    const node = collection as CollectionNode<unknown>;
    if (!this.used.has(node)) throw this.undeclared(node);
    reads.add(node, key);
  }

  /** Reading what is made of the collection itself would be a cycle: the message shows it. */
  private undeclared(node: GraphNode): LateenError {
    const path = pathBetween(this, node);
    const made = path === undefined ? "" : `, which is made of it: ${path.map(({ name }) => name).join(" → ")}`;
    return collectionErrors.undeclaredRead(`${this.name} reads ${node.name}${made}`);
  }

  private replaceTrace(key: string, next: Trace | undefined): void {
    const previous = this.traces.get(key);
    this.readers.replace(key, previous?.reads, next?.reads);
    if (next === undefined) this.traces.delete(key);
    else this.traces.set(key, next);
    for (const [outKey] of previous?.outputs ?? []) if (next?.outputs.has(outKey) !== true) this.disown(outKey, key);
    for (const [outKey, value] of next?.outputs ?? []) this.own(outKey, key, value as T);
  }

  private own(outKey: string, inputKey: string, value: T): void {
    const owner = this.ownerOf(outKey);
    if (owner !== undefined && owner !== inputKey) {
      const rivals = this.rivals.get(outKey) ?? new Set([owner]);
      rivals.add(inputKey);
      this.rivals.set(outKey, rivals);
      if (owner < inputKey) return;
    }
    this.giveTo(outKey, inputKey);
    this.put(outKey, value);
  }

  /** The input whose value stands under the key; undefined where none does. */
  private ownerOf(outKey: string): string | undefined {
    return this.foreignOwners.get(outKey) ?? (this.has(outKey) ? outKey : undefined);
  }

  private giveTo(outKey: string, inputKey: string): void {
    if (inputKey === outKey) this.foreignOwners.delete(outKey);
    else this.foreignOwners.set(outKey, inputKey);
  }

  private disown(outKey: string, inputKey: string): void {
    const rivals = this.rivals.get(outKey);
    rivals?.delete(inputKey);
    if (this.ownerOf(outKey) !== inputKey) {
      if (rivals?.size === 1) this.rivals.delete(outKey);
      return;
    }
    const heir = rivals === undefined ? undefined : [...rivals].sort()[0];
    if (rivals !== undefined && rivals.size <= 1) this.rivals.delete(outKey);
    if (heir === undefined) {
      this.foreignOwners.delete(outKey);
      this.remove(outKey);
      return;
    }
    this.giveTo(outKey, heir);
    this.put(outKey, this.traces.get(heir)?.outputs.get(outKey) as T);
  }
}

/** From one node to another that depends on it, the shortest way; undefined where it does not. */
function pathBetween(from: GraphNode, to: GraphNode): readonly GraphNode[] | undefined {
  const paths: GraphNode[][] = [[from]];
  const seen = new Set<GraphNode>([from]);
  for (const path of paths) {
    const last = path.at(-1) as GraphNode;
    if (last === to) return path;
    for (const next of last.dependants) {
      if (seen.has(next)) continue;
      seen.add(next);
      paths.push([...path, next]);
    }
  }
  return undefined;
}

function* readKeysOf(changes: readonly Change<unknown>[]): Iterable<ReadKey> {
  yield everyKey;
  for (const { key } of changes) yield key;
}

function* inputsOf(value: unknown, reads: ReadList): Iterable<unknown> {
  yield value;
  for (const [node, key] of reads) {
    const collection = node as CollectionNode<unknown>;
    if (key === everyKey) yield* collection.values();
    else yield collection.get(key);
  }
}

function asNode<T>(collection: Collection<T>): CollectionNode<T> {
  if (collection instanceof CollectionNode) return collection as CollectionNode<T>;
  throw collectionErrors.foreignGraph(`${collection.name} is not part of a graph`);
}
