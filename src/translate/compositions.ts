// Resources put together from parts that are made one by one, in order. A changed part costs what is copied of the others: a
// reference, and what of each goes into the whole's version.
import type { Change, Collection } from "../collection/collection.ts";
import type { Forkable } from "../collection/fork.ts";
import type { GraphNode } from "../collection/graph-node.ts";
import { Layer } from "../collection/layer.ts";
import { CollectionNode } from "../collection/node.ts";
import { OrderedMap } from "../kernel/ordered-map.ts";
import type { Resource } from "../xds/resource.ts";
import { CompositionsLayer } from "./compositions-layer.ts";
import type { Part, PlacedPart } from "./part.ts";
import { sameResource } from "./resource-of.ts";

export interface CompositionsOptions<V, P extends Part> {
  readonly name: string;
  readonly from: Collection<V>;
  readonly place: (value: V) => PlacedPart<P>;
  /** What every resource ends with. */
  readonly last: Collection<P>;
  /**
   * A pure function of its arguments.
   *
   * @param forFew what is put together is for callers of one namespace
   */
  readonly compose: (name: string, parts: readonly P[], forFew: boolean) => Resource;
}

/** By resource name. Nothing is put together before `begin`: where parts come a few at a time, each time would cost what they all do. */
export class Compositions<V, P extends Part> extends CollectionNode<Resource> implements Forkable {
  readonly input: CollectionNode<V>;
  readonly place: (value: V) => PlacedPart<P>;
  readonly compose: (name: string, parts: readonly P[], forFew: boolean) => Resource;
  /** What every resource ends with. */
  readonly last: CollectionNode<P>;
  /** By name of the resource, then by position. */
  private readonly members = new Map<string, OrderedMap<P | undefined>>();
  /** What each resource was put together from. */
  private readonly composed = new Map<string, readonly P[]>();
  private stale = new Set<string>();
  /** False until the first update: in mid-batch the inputs do not hold yet what they will. */
  private filled = false;
  /** False while more parts are to come than change. */
  private complete = false;

  constructor({ name, from, place, last, compose }: CompositionsOptions<V, P>) {
    const input = from as CollectionNode<V>;
    const end = last as CollectionNode<P>;
    super(input.graph, name, 1 + Math.max(input.height, end.height), sameResource);
    this.input = input;
    this.last = end;
    this.place = place;
    this.compose = compose;
    input.dependants.add(this);
    end.dependants.add(this);
    this.graph.markDirty(this);
  }

  /** From now on there is what there are parts for. */
  begin(): void {
    if (this.complete) return;
    this.complete = true;
    this.graph.markDirty(this);
  }

  dispose(): void {
    this.input.dependants.delete(this);
    this.last.dependants.delete(this);
    this.graph.forget(this);
  }

  fork(name: string, versionOf: <T>(node: CollectionNode<T>) => CollectionNode<T>): CollectionNode<unknown> {
    const input = versionOf(this.input);
    const version = input instanceof Layer ? new CompositionsLayer<V, P>(name, this, input) : this;
    return version as unknown as CollectionNode<unknown>;
  }

  /** How many values a resource is put together from. */
  countOf(name: string): number {
    return this.members.get(name)?.size ?? 0;
  }

  /** What a resource is put together from; of one that is not there, what it would end with. */
  partsOf(name: string): readonly P[] {
    return this.composed.get(name) ?? [...this.last.values()];
  }

  receive(input: GraphNode, changes: readonly Change<unknown>[]): void {
    if (!this.filled) return;
    if (input === this.last) for (const name of this.members.keys()) this.stale.add(name);
    else for (const { before, after } of changes as readonly Change<V>[]) this.change(before, after);
  }

  protected update(): void {
    if (!this.filled) {
      this.filled = true;
      for (const value of this.input.values()) this.change(undefined, value);
    }
    if (!this.complete) return;
    for (const name of this.stale) {
      const members = this.members.get(name);
      if (members === undefined) {
        this.composed.delete(name);
        this.remove(name);
        continue;
      }
      const parts: P[] = [];
      for (const part of members.inOrder()) if (part !== undefined) parts.push(part);
      parts.push(...this.last.values());
      this.composed.set(name, parts);
      this.put(name, this.compose(name, parts, false));
    }
    this.stale = new Set();
  }

  private change(before: V | undefined, after: V | undefined): void {
    const value = after ?? before;
    if (value === undefined) return;
    const { resource, position, part } = this.place(value);
    this.stale.add(resource);
    let members = this.members.get(resource);
    if (members === undefined) {
      members = new OrderedMap();
      this.members.set(resource, members);
    }
    if (after === undefined) members.delete(position);
    else members.set(position, part);
    if (members.size === 0) this.members.delete(resource);
  }
}
