// A collection computed from another: one value in, any number out, recomputed only where an input changed.

import { sameData } from "../kernel/equal.ts";
import type { LateenError } from "../kernel/error.ts";
import type { Change, Collection } from "./collection.ts";
import { type Derive, inputsOf, runDerivation, type Trace } from "./derivation.ts";
import { collectionErrors } from "./errors.ts";
import type { GraphNode } from "./graph-node.ts";
import { CollectionNode } from "./node.ts";
import { Outputs } from "./outputs.ts";
import { ReaderIndex, type ReadKey, readKeysOf } from "./read-list.ts";

export interface DerivedOptions<I, T> {
  name: string;
  from: Collection<I>;
  /** Every collection that `derive` may read through its Reader. */
  uses?: readonly Collection<unknown>[];
  derive: Derive<I, T>;
  equals?: (a: T, b: T) => boolean;
}

/** Who shows the same derivation with other inputs. */
export interface DerivationFollower extends GraphNode {
  /**
   * @param inputs whose derivations read other things than before, or came or went
   * @param contested output keys that other inputs make than before, or of several inputs with other values
   */
  rewired(inputs: ReadonlySet<string>, contested: ReadonlySet<string>): void;
}

export class Derived<I, T> extends CollectionNode<T> {
  readonly derive: Derive<I, T>;
  readonly input: CollectionNode<I>;
  readonly used: ReadonlySet<CollectionNode<unknown>>;
  readonly followers = new Set<DerivationFollower>();
  private readonly traces = new Map<string, Trace>();
  private readonly readers = new ReaderIndex();
  /** Inputs that produce a key, where there are several. */
  private readonly rivals = new Map<string, Set<string>>();
  /** Whose value an output key has, where that is not the input of the same key. */
  private readonly foreignOwners = new Map<string, string>();
  private stale = new Set<string>();
  /** What followers are told of at the end of the update. */
  private changedInputs = new Set<string>();
  private contested = new Set<string>();
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
    this.derive = options.derive;
    this.input = input;
    this.used = new Set(used);
    for (const node of [input, ...used]) node.dependants.add(this);
    this.graph.markDirty(this);
  }

  /** Takes the collection out of its graph. Nothing may depend on it any more. */
  dispose(): void {
    this.disposed = true;
    this.input.dependants.delete(this);
    for (const node of this.used) node.dependants.delete(this);
    this.graph.forget(this);
  }

  /** What the input's derivation made and read; undefined where there is no such input. */
  traceOf(input: string): Trace | undefined {
    return this.traces.get(input);
  }

  /** The inputs that make a value of this key; the value of the one that sorts first stands. */
  makersOf(outKey: string): Iterable<string> {
    const owner = this.ownerOf(outKey);
    return this.rivals.get(outKey) ?? (owner === undefined ? [] : [owner]);
  }

  /** The input whose value stands under the key; undefined where none does. */
  ownerOf(outKey: string): string | undefined {
    return this.foreignOwners.get(outKey) ?? (this.has(outKey) ? outKey : undefined);
  }

  /** Calls `visit` for each input whose derivation reads one of the keys. */
  visitReaders(node: GraphNode, keys: Iterable<ReadKey>, visit: (input: string) => void): void {
    this.readers.visit(node, keys, visit);
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
    this.tellFollowers();
  }

  private tellFollowers(): void {
    const { changedInputs, contested } = this;
    if (changedInputs.size + contested.size === 0) return;
    this.changedInputs = new Set();
    this.contested = new Set();
    for (const follower of this.followers) {
      follower.rewired(changedInputs, contested);
      this.graph.markDirty(follower);
    }
  }

  private recompute(key: string, value: I): void {
    const trace = runDerivation<I, T>(
      {
        derive: this.derive,
        resolve: (collection) => this.declared(collection),
        failed: (error, reads) => {
          this.graph.fail({
            ...{ collection: this.name, key, error },
            inputs: () => inputsOf(value, reads),
            retry: () => this.deriveAgain(key),
          });
          return this.traces.get(key)?.outputs ?? new Outputs(); // the last good ones stay
        },
      },
      key,
      value,
    );
    this.replaceTrace(key, trace);
  }

  private deriveAgain(key: string): void {
    if (this.disposed || !this.input.has(key)) return;
    this.stale.add(key);
    this.graph.markDirty(this);
  }

  /** @throws LateenError where the derivation must not read it */
  declared(collection: Collection<unknown>): CollectionNode<unknown> {
    const node = collection as CollectionNode<unknown>;
    if (!this.used.has(node)) throw this.undeclared(node);
    return node;
  }

  /** Reading what is made of the collection itself would be a cycle: the message shows it. */
  private undeclared(node: GraphNode): LateenError {
    const path = pathBetween(this, node);
    const made = path === undefined ? "" : `, which is made of it: ${path.map(({ name }) => name).join(" → ")}`;
    return collectionErrors.undeclaredRead(`${this.name} reads ${node.name}${made}`);
  }

  private replaceTrace(key: string, next: Trace | undefined): void {
    const previous = this.traces.get(key);
    const rewired = this.readers.replace(key, previous?.reads, next?.reads);
    if (rewired && this.followers.size > 0) this.changedInputs.add(key);
    if (next === undefined) this.traces.delete(key);
    else this.traces.set(key, next);
    for (const [outKey] of previous?.outputs ?? []) if (next?.outputs.has(outKey) !== true) this.disown(outKey, key);
    for (const [outKey, value] of next?.outputs ?? []) {
      if (previous?.outputs.has(outKey) !== true) this.contest(outKey);
      this.own(outKey, key, value as T);
    }
  }

  private own(outKey: string, inputKey: string, value: T): void {
    const owner = this.ownerOf(outKey);
    if (owner !== undefined && owner !== inputKey) {
      const rivals = this.rivals.get(outKey) ?? new Set([owner]);
      rivals.add(inputKey);
      this.rivals.set(outKey, rivals);
      this.contest(outKey);
      if (owner < inputKey) return;
    }
    this.giveTo(outKey, inputKey);
    this.put(outKey, value);
  }

  private contest(outKey: string): void {
    if (this.followers.size > 0) this.contested.add(outKey);
  }

  private giveTo(outKey: string, inputKey: string): void {
    if (inputKey === outKey) this.foreignOwners.delete(outKey);
    else this.foreignOwners.set(outKey, inputKey);
  }

  private disown(outKey: string, inputKey: string): void {
    const rivals = this.rivals.get(outKey);
    rivals?.delete(inputKey);
    this.contest(outKey);
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

function asNode<T>(collection: Collection<T>): CollectionNode<T> {
  if (collection instanceof CollectionNode) return collection as CollectionNode<T>;
  throw collectionErrors.foreignGraph(`${collection.name} is not part of a graph`);
}
