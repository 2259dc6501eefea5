// Encoded virtual hosts gathered into route configurations.
import type { Collection } from "../../collection/collection.ts";
import type { Resource } from "../../xds/resource.ts";
import { routeConfigurationVersion } from "../../xds/route-version.ts";
import { typeUrls } from "../../xds/type-url.ts";
import { ComposedResource } from "../composed-resource.ts";
import { Compositions } from "../compositions.ts";
import type { InternedResources } from "../interned.ts";
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
export class RouteConfigurations extends Compositions<PlacedFragment, VirtualHostFragment> {
  /** @param catchAll the one virtual host that every route configuration ends with */
  constructor(
    name: string,
    from: Collection<PlacedFragment>,
    catchAll: Collection<VirtualHostFragment>,
    interned: InternedResources,
  ) {
    super({
      name,
      from,
      place: ({ port, position, fragment }) => ({ resource: String(port), position, part: fragment }),
      last: catchAll,
      compose: (route, fragments, forFew) => interned.share(routeConfiguration(route, fragments, forFew)),
    });
  }
}

function routeConfiguration(name: string, fragments: readonly VirtualHostFragment[], fleeting: boolean): Resource {
  const head = encodeRouteConfigurationHead(name);
  const versions = fragments.map((fragment) => fragment.version);
  const version = routeConfigurationVersion(head, versions);
  const compose = (): Uint8Array => composeRouteConfiguration(head, fragments);
  return new ComposedResource({ typeUrl: typeUrls.route, name, version, compose, fleeting }, fragments);
}
