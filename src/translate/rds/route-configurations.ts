// Encoded virtual hosts gathered into route configurations, in order. A changed virtual host costs what is copied of the
// others: a reference, and the version that goes into the whole's.
import type { Change, Collection } from "../../collection/collection.ts";
import type { GraphNode } from "../../collection/graph-node.ts";
import { CollectionNode } from "../../collection/node.ts";
import { OrderedMap } from "../../kernel/ordered-map.ts";
import type { Resource } from "../../xds/resource.ts";
import { routeConfigurationVersion } from "../../xds/route-version.ts";
import { typeUrls } from "../../xds/type-url.ts";
import { ComposedResource } from "../composed-resource.ts";
import type { InternedResources } from "../interned.ts";
import { sameResource } from "../resource-of.ts";
import {
  composeRouteConfiguration,
  encodeRouteConfigurationHead,
  type VirtualHostFragment,
} from "./route-configuration.ts";

/** A virtual host of the route configuration of a port. */
export interface PlacedFragment {
  readonly port: number;
  readonly position: string;
  /** Undefined where all its domains belong to others; its port has a route configuration all the same. */
  readonly fragment: VirtualHostFragment | undefined;
}

/** By the port in decimal, which is the route configuration's name. */
export class RouteConfigurations extends CollectionNode<Resource> {
  private readonly input: CollectionNode<PlacedFragment>;
  private readonly catchAll: CollectionNode<VirtualHostFragment>;
  private readonly interned: InternedResources;
  /** By name of the route configuration, then by position. */
  private readonly members = new Map<string, OrderedMap<PlacedFragment>>();
  private stale = new Set<string>();
  /** False until the first update: in mid-batch the inputs do not hold yet what they will. */
  private filled = false;

  /** @param catchAll the one virtual host that every route configuration ends with */
  constructor(
    name: string,
    from: Collection<PlacedFragment>,
    catchAll: Collection<VirtualHostFragment>,
    interned: InternedResources,
  ) {
    const input = from as CollectionNode<PlacedFragment>;
    const last = catchAll as CollectionNode<VirtualHostFragment>;
    super(input.graph, name, 1 + Math.max(input.height, last.height), sameResource);
    this.input = input;
    this.catchAll = last;
    this.interned = interned;
    for (const node of [input, last]) node.dependants.add(this);
    this.graph.markDirty(this);
  }

  dispose(): void {
    this.input.dependants.delete(this);
    this.catchAll.dependants.delete(this);
    this.graph.forget(this);
  }

  receive(input: GraphNode, changes: readonly Change<unknown>[]): void {
    if (!this.filled) return;
    if (input === this.catchAll) for (const name of this.members.keys()) this.stale.add(name);
    else for (const { before, after } of changes as readonly Change<PlacedFragment>[]) this.change(before, after);
  }

  protected update(): void {
    if (!this.filled) {
      this.filled = true;
      for (const placed of this.input.values()) this.change(undefined, placed);
    }
    for (const name of this.stale) {
      const members = this.members.get(name);
      if (members === undefined) this.remove(name);
      else this.put(name, this.compose(name, members));
    }
    this.stale = new Set();
  }

  private compose(name: string, members: OrderedMap<PlacedFragment>): Resource {
    const fragments: VirtualHostFragment[] = [];
    for (const { fragment } of members.inOrder()) if (fragment !== undefined) fragments.push(fragment);
    fragments.push(...this.catchAll.values());
    const head = encodeRouteConfigurationHead(name);
    const versions = fragments.map((fragment) => fragment.version);
    const version = routeConfigurationVersion(head, versions);
    const compose = (): Uint8Array => composeRouteConfiguration(head, fragments);
    return this.interned.share(new ComposedResource({ typeUrl: typeUrls.route, name, version, compose }, fragments));
  }

  private change(before: PlacedFragment | undefined, after: PlacedFragment | undefined): void {
    // Of one key, port and position never change.
    const placed = after ?? before;
    if (placed === undefined) return;
    const name = String(placed.port);
    this.stale.add(name);
    let members = this.members.get(name);
    if (members === undefined) {
      members = new OrderedMap();
      this.members.set(name, members);
    }
    if (after === undefined) members.delete(placed.position);
    else members.set(placed.position, after);
    if (members.size === 0) this.members.delete(name);
  }
}
