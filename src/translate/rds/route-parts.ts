// Route configurations in parts: heads, and each virtual host by itself. A change costs what is different.
import type { Change, Collection } from "../../collection/collection.ts";
import type { Forkable } from "../../collection/fork.ts";
import type { GraphNode } from "../../collection/graph-node.ts";
import { Layer } from "../../collection/layer.ts";
import { CollectionNode } from "../../collection/node.ts";
import type { Resource, ResourceFragment } from "../../xds/resource.ts";
import { routePartName } from "../../xds/route-part-name.ts";
import type { InternedResources } from "../interned.ts";
import { sameResource } from "../resource-of.ts";
import { encodeRouteConfigurationHead, type VirtualHostFragment } from "./route-configuration.ts";
import { buildRouteHeadPart, buildVirtualHostPart } from "./route-part.ts";
import { RoutePartsLayer } from "./route-parts-layer.ts";

/** By resource name. Of a changed route configuration only what is different is made, and told of. */
export class RouteParts extends CollectionNode<Resource> implements Forkable {
  readonly input: CollectionNode<Resource>;
  private readonly interned: InternedResources;
  /** What is made already, by name of the route configuration. */
  private readonly present = new Map<string, readonly ResourceFragment[]>();
  private readonly stale = new Set<string>();
  /** False until the first update: in mid-batch the input does not hold yet what it will. */
  private filled = false;

  /** @param from route configurations, composed of `VirtualHostFragment`s */
  constructor(name: string, from: Collection<Resource>, interned: InternedResources) {
    const input = from as CollectionNode<Resource>;
    super(input.graph, name, input.height + 1, sameResource);
    this.input = input;
    this.interned = interned;
    input.dependants.add(this);
    this.graph.markDirty(this);
  }

  dispose(): void {
    this.input.dependants.delete(this);
    this.graph.forget(this);
  }

  fork(name: string, versionOf: <T>(node: CollectionNode<T>) => CollectionNode<T>): CollectionNode<unknown> {
    const input = versionOf(this.input);
    const version = input instanceof Layer ? new RoutePartsLayer(name, this, input) : this;
    return version as unknown as CollectionNode<unknown>;
  }

  /** What says which virtual hosts make the route configuration. */
  headOf(name: string, { version, fragments = [] }: Resource): Resource {
    return this.interned.share(
      buildRouteHeadPart(name, { head: encodeRouteConfigurationHead(name), version, fragments }),
    );
  }

  partOf(route: string, fragment: ResourceFragment): Resource {
    return this.interned.share(buildVirtualHostPart(route, fragment as VirtualHostFragment));
  }

  receive(_input: GraphNode, changes: readonly Change<unknown>[]): void {
    for (const { key } of changes) this.stale.add(key);
  }

  protected update(): void {
    if (!this.filled) {
      this.filled = true;
      for (const key of this.input.keys()) this.stale.add(key);
    }
    // First the heads: who has one message of a long list knows of which route configurations there is more to come.
    for (const name of this.stale) {
      const route = this.input.get(name);
      if (route === undefined) this.remove(name);
      else this.put(name, this.headOf(name, route));
    }
    for (const name of this.stale) this.replace(name, this.input.get(name)?.fragments ?? []);
    this.stale.clear();
  }

  private replace(route: string, fragments: readonly ResourceFragment[]): void {
    const before = this.present.get(route) ?? [];
    // Mostly the same objects in the same order: what differs is between equal ends.
    const shorter = Math.min(before.length, fragments.length);
    let first = 0;
    while (first < shorter && fragments[first] === before[first]) first += 1;
    let rest = 0;
    while (rest < shorter - first && fragments.at(-1 - rest) === before.at(-1 - rest)) rest += 1;
    const gone = new Set(before.slice(first, before.length - rest).map(({ name }) => name));
    for (const fragment of fragments.slice(first, fragments.length - rest)) {
      gone.delete(fragment.name);
      const part = this.partOf(route, fragment);
      this.put(part.name, part);
    }
    for (const name of gone) this.remove(routePartName(route, name));
    if (fragments.length === 0) this.present.delete(route);
    else this.present.set(route, fragments);
  }
}
