// A collection computed from another: one value in, any number out, recomputed only where an input changed.

import { sameData } from "../kernel/equal.ts";
import type { LateenError } from "../kernel/error.ts";
import { byKey } from "../kernel/key-order.ts";
import type { Change, Collection } from "./collection.ts";
import { collectionErrors } from "./errors.ts";
import type { GraphNode } from "./graph-node.ts";
import { CollectionNode } from "./node.ts";

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

const everyKey = Symbol("every key");
type ReadKey = string | typeof everyKey;

/** What one input key produced and read. */
interface Trace {
  outputs: Map<string, unknown>;
  reads: Map<GraphNode, Set<ReadKey>>;
}

export class Derived<I, T> extends CollectionNode<T> {
  private readonly options: DerivedOptions<I, T>;
  private readonly input: CollectionNode<I>;
  private readonly used: ReadonlySet<GraphNode>;
  private readonly traces = new Map<string, Trace>();
  /** Input keys by what they read, to find them again when it changes. */
  private readonly readers = new Map<GraphNode, Map<ReadKey, Set<string>>>();
  /** Inputs that produce a key, where there are several. */
  private readonly rivals = new Map<string, Set<string>>();
  private readonly owners = new Map<string, string>();
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
    const byKey = this.readers.get(input);
    if (byKey === undefined) return;
    for (const reader of byKey.get(everyKey) ?? []) this.stale.add(reader);
    for (const change of changes) for (const reader of byKey.get(change.key) ?? []) this.stale.add(reader);
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
    const trace: Trace = { outputs: new Map(), reads: new Map() };
    const reader: Reader = {
      get: (collection, wanted) => {
        this.note(trace, collection, wanted);
        return collection.get(wanted);
      },
      all: (collection) => {
        this.note(trace, collection, everyKey);
        return [...collection.entries()].sort(byKey).map(([, item]) => item);
      },
    };
    try {
      for (const [outKey, output] of this.options.derive(value, key, reader)) trace.outputs.set(outKey, output);
    } catch (error) {
      // The last good outputs stay; what was read until now is kept too, so that a cure is noticed.
      trace.outputs = this.traces.get(key)?.outputs ?? new Map();
      this.graph.fail({
        ...{ collection: this.name, key, error },
        inputs: () => inputsOf(value, trace),
        retry: () => this.derive(key),
      });
    }
    this.replaceTrace(key, trace);
  }

  private derive(key: string): void {
    if (this.disposed || !this.input.has(key)) return;
    this.stale.add(key);
    this.graph.markDirty(this);
  }

  private note(trace: Trace, collection: Collection<unknown>, key: ReadKey): void {
    const node = collection as CollectionNode<unknown>;
    if (!this.used.has(node)) throw this.undeclared(node);
    let keys = trace.reads.get(node);
    if (keys === undefined) {
      keys = new Set();
      trace.reads.set(node, keys);
    }
    keys.add(key);
  }

  /** Reading what is made of the collection itself would be a cycle: the message shows it. */
  private undeclared(node: GraphNode): LateenError {
    const path = pathBetween(this, node);
    const made = path === undefined ? "" : `, which is made of it: ${path.map(({ name }) => name).join(" → ")}`;
    return collectionErrors.undeclaredRead(`${this.name} reads ${node.name}${made}`);
  }

  private replaceTrace(key: string, next: Trace | undefined): void {
    const previous = this.traces.get(key);
    for (const [node, keys] of previous?.reads ?? []) {
      const byKey = this.readers.get(node);
      for (const read of keys) {
        if (next?.reads.get(node)?.has(read) === true) continue;
        const inputs = byKey?.get(read);
        inputs?.delete(key);
        if (inputs?.size === 0) byKey?.delete(read);
      }
    }
    for (const [node, keys] of next?.reads ?? []) {
      let byKey = this.readers.get(node);
      if (byKey === undefined) {
        byKey = new Map();
        this.readers.set(node, byKey);
      }
      for (const read of keys) {
        const inputs = byKey.get(read);
        if (inputs === undefined) byKey.set(read, new Set([key]));
        else inputs.add(key);
      }
    }
    if (next === undefined) this.traces.delete(key);
    else this.traces.set(key, next);
    for (const outKey of previous?.outputs.keys() ?? [])
      if (next?.outputs.has(outKey) !== true) this.disown(outKey, key);
    for (const [outKey, value] of next?.outputs ?? []) this.own(outKey, key, value as T);
  }

  private own(outKey: string, inputKey: string, value: T): void {
    const owner = this.owners.get(outKey);
    if (owner !== undefined && owner !== inputKey) {
      const rivals = this.rivals.get(outKey) ?? new Set([owner]);
      rivals.add(inputKey);
      this.rivals.set(outKey, rivals);
      if (owner < inputKey) return;
    }
    this.owners.set(outKey, inputKey);
    this.put(outKey, value);
  }

  private disown(outKey: string, inputKey: string): void {
    const rivals = this.rivals.get(outKey);
    rivals?.delete(inputKey);
    if (this.owners.get(outKey) !== inputKey) {
      if (rivals?.size === 1) this.rivals.delete(outKey);
      return;
    }
    const heir = rivals === undefined ? undefined : [...rivals].sort()[0];
    if (rivals !== undefined && rivals.size <= 1) this.rivals.delete(outKey);
    if (heir === undefined) {
      this.owners.delete(outKey);
      this.remove(outKey);
      return;
    }
    this.owners.set(outKey, heir);
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

function* inputsOf(value: unknown, { reads }: Trace): Iterable<unknown> {
  yield value;
  for (const [node, keys] of reads) {
    const collection = node as CollectionNode<unknown>;
    for (const key of keys) {
      if (key === everyKey) yield* collection.values();
      else yield collection.get(key);
    }
  }
}

function asNode<T>(collection: Collection<T>): CollectionNode<T> {
  if (collection instanceof CollectionNode) return collection as CollectionNode<T>;
  throw collectionErrors.foreignGraph(`${collection.name} is not part of a graph`);
}
