// A derivation with other inputs than its base has: layers over those of the base.
//
// A derivation is a pure function of its input and of what it reads. Where all of that is in the layers what it is in the base,
// so is the outcome, and nothing is derived here. What is different is found by what the base's derivations read: an input is
// derived anew where it, or something that its derivation read in the base, is different.

import { SetMap } from "../kernel/set-map.ts";
import type { Change, Collection } from "./collection.ts";
import { inputsOf, runDerivation, type Trace } from "./derivation.ts";
import type { DerivationFollower, Derived } from "./derived.ts";
import type { GraphNode } from "./graph-node.ts";
import { asBase, Layer, type LayerFollower } from "./layer.ts";
import type { CollectionNode } from "./node.ts";
import { Outputs } from "./outputs.ts";
import { everyKey, ReaderIndex, ReadList, readKeysOf } from "./read-list.ts";

export interface DerivedLayerOptions<I, T> {
  readonly name: string;
  readonly base: Derived<I, T>;
  /** What stands for the base's input. */
  readonly input: CollectionNode<I>;
  /** What stands for each collection that the base may read. */
  readonly used: ReadonlyMap<CollectionNode<unknown>, CollectionNode<unknown>>;
  /** Inputs that are derived at once while the layer is filled; where there are more, all of them wait for `release`. */
  readonly atOnce: number;
}

const nothing: Trace = { outputs: new Outputs(), reads: new ReadList() };

export class DerivedLayer<I, T> extends Layer<T> implements LayerFollower, DerivationFollower {
  private readonly of: Derived<I, T>;
  private readonly input: CollectionNode<I>;
  private readonly used: ReadonlyMap<CollectionNode<unknown>, CollectionNode<unknown>>;
  /** What the base reads that is different here, and what stands for it. */
  private readonly layers: ReadonlyMap<GraphNode, Layer<unknown>>;
  /** Of the inputs that are derived here. */
  private readonly traces = new Map<string, Trace>();
  private readonly readers = new ReaderIndex();
  /** Inputs by what they make. */
  private readonly makers = new SetMap<string, string>();
  /** Inputs that may have begun or ceased to be different. */
  private candidates = new Set<string>();
  /** Inputs to be derived anew. */
  private stale = new Set<string>();
  /** While true, many candidates at once wait for `release`. */
  private gated = true;
  /** Candidates that are to wait. */
  private readonly waiting = new Set<string>();
  private due = 0;
  private readonly atOnce: number;
  private disposed = false;

  constructor({ name, base, input, used, atOnce }: DerivedLayerOptions<I, T>) {
    super(name, base, [input as CollectionNode<unknown>, ...used.values()]);
    this.of = base;
    this.input = input;
    this.used = used;
    this.atOnce = atOnce;
    const layers = [...used].filter((pair): pair is [CollectionNode<unknown>, Layer<unknown>] => pair[0] !== pair[1]);
    this.layers = new Map(layers);
    base.followers.add(this);
    this.begin();
  }

  override dispose(): void {
    this.disposed = true;
    this.of.followers.delete(this);
    super.dispose();
  }

  /** True once everything is derived that must be. */
  get open(): boolean {
    return this.filled && this.waiting.size === 0;
  }

  /** From now on nothing waits any more, but for what waits already. */
  ungate(): void {
    this.gated = false;
  }

  /** Derives the next so many of the inputs that wait. */
  release(count: number): void {
    this.due = count;
    this.graph.markDirty(this);
  }

  reconsider(layer: Layer<unknown>, keys: readonly string[]): void {
    if (!this.filled) return;
    if ((layer as unknown) === this.input) for (const key of keys) this.candidates.add(key);
    this.findReaders(layer, keys);
  }

  rewired(inputs: ReadonlySet<string>, contested: ReadonlySet<string>): void {
    if (!this.filled) return;
    for (const input of inputs) this.candidates.add(input);
    for (const key of contested) if (this.decides(key) || this.concerns(key)) this.undecided.add(key);
  }

  protected note(node: GraphNode, changes: readonly Change<unknown>[]): void {
    if (this.traces.size === 0) return;
    if (node === this.input) for (const { key } of changes) if (this.traces.has(key)) this.stale.add(key);
    this.readers.visit(node, readKeysOf(changes), (reader) => this.stale.add(reader));
  }

  protected prepare(first: boolean): void {
    if (first) this.findAll();
    if (this.gated && this.candidates.size > this.atOnce) {
      for (const input of this.candidates) this.waiting.add(input);
      this.candidates.clear();
    }
    for (const input of this.waiting) {
      if (this.due <= 0) break;
      this.due -= 1;
      this.waiting.delete(input);
      this.candidates.add(input);
    }
    this.due = 0;
    if (this.candidates.size + this.stale.size === 0) return;
    const { candidates, stale } = this;
    this.candidates = new Set();
    this.stale = new Set();
    for (const input of candidates) {
      if (this.waiting.has(input)) continue;
      const concerned = this.isDifferent(input);
      if (concerned === this.traces.has(input)) continue;
      if (concerned) stale.add(input);
      else this.replace(input, undefined);
    }
    for (const input of stale) {
      if (candidates.has(input) ? this.isDifferent(input) : this.traces.has(input)) this.deriveHere(input);
    }
  }

  protected concerns(key: string): boolean {
    if (this.traces.size === 0) return false;
    if (this.makers.get(key).size > 0) return true;
    const owner = this.of.ownerOf(key);
    return owner !== undefined && this.traces.has(owner);
  }

  protected decide(key: string): T | undefined | typeof asBase {
    const owner = this.of.ownerOf(key);
    const own = least(this.makers.get(key));
    let ofBase = owner;
    if (owner !== undefined && this.traces.has(owner)) {
      ofBase = least([...this.of.makersOf(key)].filter((input) => !this.traces.has(input)));
    }
    if (own !== undefined && (ofBase === undefined || own < ofBase)) return this.traces.get(own)?.outputs.get(key) as T;
    if (ofBase === owner) return asBase;
    return ofBase === undefined ? undefined : (this.of.traceOf(ofBase)?.outputs.get(key) as T);
  }

  private findAll(): void {
    if (this.input instanceof Layer) for (const key of this.input.differences()) this.candidates.add(key);
    for (const layer of new Set(this.layers.values())) this.findReaders(layer, [...layer.differences()]);
  }

  /** Adds to the candidates whatever reads one of the keys in the base. */
  private findReaders(layer: Layer<unknown>, keys: readonly string[]): void {
    if (keys.length === 0) return;
    for (const [node, standing] of this.layers) {
      if (standing !== layer) continue;
      this.of.visitReaders(node, [everyKey, ...keys], (input) => this.candidates.add(input));
    }
  }

  /** True where the derivation of the input may come to something else here than in the base. */
  private isDifferent(input: string): boolean {
    if (this.input instanceof Layer && this.input.differs(input)) return true;
    for (const [node, key] of this.of.traceOf(input)?.reads ?? []) {
      const layer = this.layers.get(node);
      if (layer === undefined) continue;
      if (key === everyKey ? layer.differences().next().done !== true : layer.differs(key)) return true;
    }
    return false;
  }

  private deriveHere(key: string): void {
    const value = this.input.get(key);
    if (value === undefined) {
      this.replace(key, nothing);
      return;
    }
    const trace = runDerivation<I, T>(
      {
        derive: this.of.derive,
        resolve: (collection) => this.versionOf(collection),
        failed: (error, reads) => {
          this.graph.fail({
            ...{ collection: this.name, key, error },
            inputs: () => inputsOf(value, reads),
            retry: () => this.deriveAgain(key),
          });
          return (this.traces.get(key) ?? this.of.traceOf(key))?.outputs ?? new Outputs();
        },
      },
      key,
      value,
    );
    this.replace(key, trace);
  }

  private deriveAgain(key: string): void {
    if (this.disposed || !this.traces.has(key)) return;
    this.stale.add(key);
    this.graph.markDirty(this);
  }

  private versionOf(collection: Collection<unknown>): CollectionNode<unknown> {
    const node = this.of.declared(collection);
    return this.used.get(node) ?? node;
  }

  private replace(input: string, next: Trace | undefined): void {
    const previous = this.traces.get(input);
    this.readers.replace(input, previous?.reads, next?.reads);
    if (next === undefined) this.traces.delete(input);
    else this.traces.set(input, next);
    for (const [key] of previous?.outputs ?? []) {
      if (next?.outputs.has(key) !== true) this.makers.delete(key, input);
      this.undecided.add(key);
    }
    for (const [key] of next?.outputs ?? []) {
      this.makers.add(key, input);
      this.undecided.add(key);
    }
    // What the base makes of the input is hidden from now on, or no more.
    for (const [key] of this.of.traceOf(input)?.outputs ?? []) this.undecided.add(key);
  }
}

function least(keys: Iterable<string>): string | undefined {
  let first: string | undefined;
  for (const key of keys) if (first === undefined || key < first) first = key;
  return first;
}
