// Resources put together from the parts of the base's, of which some are others.
import type { Change } from "../collection/collection.ts";
import type { GraphNode } from "../collection/graph-node.ts";
import { InputLayer } from "../collection/input-layer.ts";
import { asBase, type Layer } from "../collection/layer.ts";
import type { CollectionNode } from "../collection/node.ts";
import type { Resource } from "../xds/resource.ts";
import type { Part, PlacedPart } from "./part.ts";

/** What the layer asks of its base. */
export interface LayeredCompositions<V, P extends Part> extends CollectionNode<Resource> {
  /** What every resource ends with. */
  readonly last: CollectionNode<P>;
  readonly place: (value: V) => PlacedPart<P>;
  readonly compose: (name: string, parts: readonly P[], forFew: boolean) => Resource;
  /** How many values a resource is put together from. */
  countOf(name: string): number;
  /** What a resource is put together from; of one that is not there, what it would end with. */
  partsOf(name: string): readonly P[];
}

export class CompositionsLayer<V, P extends Part> extends InputLayer<V, Resource> {
  private readonly of: LayeredCompositions<V, P>;
  /** Where values stand that are different, by their key. */
  private readonly places = new Map<string, PlacedPart<P>>();
  /** Keys of different values by resource. */
  private readonly different = new Map<string, Set<string>>();

  constructor(name: string, base: LayeredCompositions<V, P>, input: Layer<V>) {
    super(name, base, input, base.last);
    this.of = base;
    this.begin();
  }

  protected note(node: GraphNode, changes: readonly Change<unknown>[]): void {
    if (node === this.of.last) for (const resource of this.different.keys()) this.undecided.add(resource);
    if (node !== (this.input as GraphNode)) return;
    for (const { key } of changes) if (this.places.has(key)) this.stale.add(key);
  }

  protected look(): void {
    for (const key of this.stale) {
      const value = this.input.get(key) ?? this.input.base.get(key);
      const place = value === undefined ? this.places.get(key) : this.of.place(value);
      if (place === undefined) continue;
      const { resource } = place;
      this.undecided.add(resource);
      const keys = this.different.get(resource) ?? new Set();
      if (this.input.differs(key)) {
        this.places.set(key, place);
        this.different.set(resource, keys.add(key));
      } else {
        this.places.delete(key);
        keys.delete(key);
        if (keys.size === 0) this.different.delete(resource);
      }
    }
  }

  protected concerns(resource: string): boolean {
    return this.different.has(resource);
  }

  protected decide(resource: string): Resource | undefined | typeof asBase {
    const keys = this.different.get(resource);
    if (keys === undefined) return asBase;
    let count = this.of.countOf(resource);
    for (const key of keys) count += Number(this.input.has(key)) - Number(this.input.base.has(key));
    if (count === 0) return undefined;
    const parts = this.of.partsOf(resource).slice();
    for (const key of keys) {
      const value = this.input.get(key);
      const part = value === undefined ? undefined : this.of.place(value).part;
      exchange(parts, this.places.get(key)?.position ?? "", part);
    }
    return this.of.compose(resource, parts, true);
  }
}

/** Puts the part in its place, or nothing, and takes out what stood there. The last of the parts belong behind all others. */
function exchange<P extends Part>(parts: P[], position: string, part: P | undefined): void {
  let low = 0;
  let high = parts.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((parts[middle] as P).position < position) low = middle + 1;
    else high = middle;
  }
  const isThere = parts[low]?.position === position;
  parts.splice(low, isThere ? 1 : 0, ...(part === undefined ? [] : [part]));
}
