// Route configurations in parts, where some are others than in the base: of those, only what is different is made.
import type { Change } from "../../collection/collection.ts";
import type { GraphNode } from "../../collection/graph-node.ts";
import { InputLayer } from "../../collection/input-layer.ts";
import { asBase, type Layer } from "../../collection/layer.ts";
import type { CollectionNode } from "../../collection/node.ts";
import type { Resource, ResourceFragment } from "../../xds/resource.ts";
import { isRouteHead, routeOfPart, routePartName } from "../../xds/route-part-name.ts";
import type { VirtualHostFragment } from "./route-configuration.ts";

/** Virtual hosts by the name of their part; undefined of those that only the base has. */
type Differences = ReadonlyMap<string, ResourceFragment | undefined>;

/** What the layer asks of its base. */
export interface LayeredRouteParts extends CollectionNode<Resource> {
  /** What says which virtual hosts make the route configuration. */
  headOf(name: string, route: Resource): Resource;
  partOf(route: string, fragment: ResourceFragment): Resource;
}

const same: Differences = new Map();

export class RoutePartsLayer extends InputLayer<Resource, Resource> {
  private readonly of: LayeredRouteParts;
  /** By name of the route configuration, of those that are different. */
  private readonly routes = new Map<string, Differences>();

  constructor(name: string, base: LayeredRouteParts, input: Layer<Resource>) {
    super(name, base, input);
    this.of = base;
    this.begin();
  }

  protected note(node: GraphNode, changes: readonly Change<unknown>[]): void {
    if (node === (this.of as GraphNode)) return;
    for (const { key } of changes) if (this.routes.has(key)) this.stale.add(key);
  }

  protected look(): void {
    // First the heads, as in the base.
    for (const name of this.stale) this.undecided.add(name);
    for (const name of this.stale) {
      const before = this.routes.get(name) ?? same;
      const now = this.input.differs(name)
        ? differencesOf(name, this.input.base.get(name)?.fragments ?? [], this.input.get(name)?.fragments ?? [])
        : undefined;
      if (now === undefined) this.routes.delete(name);
      else this.routes.set(name, now);
      for (const key of before.keys()) if (now?.has(key) !== true) this.undecided.add(key);
      for (const [key, fragment] of now ?? []) {
        if (!before.has(key) || before.get(key) !== fragment) this.undecided.add(key);
      }
    }
  }

  protected concerns(key: string): boolean {
    const differences = this.routes.get(routeOfPart(key));
    return differences !== undefined && (isRouteHead(key) || differences.has(key));
  }

  protected decide(key: string): Resource | undefined | typeof asBase {
    const route = routeOfPart(key);
    const differences = this.routes.get(route);
    if (differences === undefined) return asBase;
    if (isRouteHead(key)) {
      const whole = this.input.get(route);
      return whole === undefined ? undefined : this.of.headOf(route, whole);
    }
    if (!differences.has(key)) return asBase;
    const fragment = differences.get(key);
    return fragment === undefined ? undefined : this.of.partOf(route, fragment);
  }
}

/** Both in order of position; most are the same objects. */
function differencesOf(
  route: string,
  base: readonly ResourceFragment[],
  here: readonly ResourceFragment[],
): Differences {
  const differences = new Map<string, ResourceFragment | undefined>();
  let at = 0;
  for (const fragment of here) {
    if (base[at] === fragment) {
      at += 1;
      continue;
    }
    const { position } = fragment as VirtualHostFragment;
    while (at < base.length && (base[at] as VirtualHostFragment).position < position) {
      differences.set(routePartName(route, (base[at] as ResourceFragment).name), undefined);
      at += 1;
    }
    if (base[at] === fragment) at += 1;
    else {
      const other = base[at] as VirtualHostFragment | undefined;
      if (other?.position === position) {
        differences.set(routePartName(route, other.name), undefined);
        at += 1;
      }
      differences.set(routePartName(route, fragment.name), fragment);
    }
  }
  for (const fragment of base.slice(at)) differences.set(routePartName(route, fragment.name), undefined);
  return differences;
}
