// Everything that decides one virtual host of one outbound route configuration.

import type { ConsistentHash } from "../config/destination-rule/consistent-hash.ts";
import type { Config } from "../config/object.ts";
import type { HttpMatch } from "../config/virtual-service/http-match.ts";
import type { HttpRoute } from "../config/virtual-service/http-route.ts";
import type { VirtualService } from "../config/virtual-service/virtual-service.ts";
import type { Caller } from "./caller.ts";
import type { ClusterName } from "./cluster-name.ts";
import { type DestinationLookup, resolveDestination } from "./destination.ts";
import { isWildcardHost, shortNames } from "./hostname.ts";
import type { Service } from "./service.ts";
import { type SourceRef, sourceRefOf } from "./source-ref.ts";
import { scopedRules } from "./virtual-service.ts";
import { addressClaim, addressesOf } from "./visible-service.ts";

type RouteDestination = NonNullable<HttpRoute["route"]>[number];

export interface WeightedDestination {
  readonly cluster: ClusterName;
  readonly weight: number;
  readonly headers: RouteDestination["headers"];
}

export interface MirrorDestination {
  readonly cluster: ClusterName;
  /** 0 to 100. */
  readonly percent: number;
}

/** One VirtualService HTTP rule, with its destinations resolved. */
export interface HttpRuleView {
  /** `name` of the rule, or `name.match-name` is made in translate. */
  readonly route: HttpRoute;
  readonly matches: readonly HttpMatch[] | undefined;
  readonly destinations: readonly WeightedDestination[];
  readonly mirrors: readonly MirrorDestination[];
  /** Of all destinations that get traffic; Envoy knows the destination only after it has made the hash. */
  readonly hashes: readonly ConsistentHash[];
  /** The one destination is chosen by a hash, so a retry must not avoid the endpoint it chose. */
  readonly sticky: boolean;
}

export interface VirtualHostView {
  /** `host:port` */
  readonly name: string;
  /** The host itself, which no other virtual host may take, then its other names and addresses. */
  readonly domains: readonly string[];
  /** Of two virtual hosts with one domain, the one that sorts first keeps it. */
  readonly rank: string;
  /** In order; empty where no VirtualService holds. */
  readonly rules: readonly HttpRuleView[];
  /** Where requests go that no rule takes; undefined where a VirtualService holds. */
  readonly fallback: { readonly cluster: ClusterName; readonly hash: ConsistentHash | undefined } | undefined;
  readonly virtualService: { readonly namespace: string; readonly name: string } | undefined;
  readonly sources: readonly SourceRef[];
}

/** The virtual host of a service on one of its HTTP ports. */
export function serviceVirtualHost(
  service: Service,
  port: number,
  virtualService: Config<VirtualService> | undefined,
  caller: Caller,
  lookup: DestinationLookup,
): VirtualHostView {
  const own = resolveDestination({ host: service.host, port: { number: port } }, service.namespace, port, lookup);
  const rules =
    virtualService === undefined ? [] : ruleViews(virtualService, virtualService.spec.http ?? [], caller, port, lookup);
  // An object whose rules are all for other callers, ports or protocols is as good as none (Istio's rule).
  const holds = rules.some(({ route }) => answersOrForwards(route));
  return {
    name: `${service.host}:${port}`,
    domains: serviceDomains(service, caller, lookup.domainSuffix),
    rank: addressClaim(service, caller).rank,
    rules: holds ? rules : [],
    fallback: holds ? undefined : own,
    virtualService: holds ? virtualService?.key : undefined,
    sources: [...service.sources, ...(virtualService === undefined ? [] : [sourceRefOf(virtualService)])],
  };
}

/** The virtual host of a VirtualService host that no service has: its routes only. */
export function hostVirtualHost(
  host: string,
  port: number,
  config: Config<VirtualService>,
  caller: Caller,
  lookup: DestinationLookup,
): VirtualHostView {
  return {
    name: `${host}:${port}`,
    domains: isWildcardHost(host) ? [host] : [host, `${host}.`],
    rank: "", // its one name is its own
    rules: ruleViews(config, config.spec.http ?? [], caller, port, lookup),
    fallback: undefined,
    virtualService: config.key,
    sources: [sourceRefOf(config)],
  };
}

/** False for a rule that only names a delegate, which is not carried out. */
function answersOrForwards(route: HttpRoute): boolean {
  return route.redirect !== undefined || route.directResponse !== undefined || (route.route ?? []).length > 0;
}

/** Names and addresses by which the caller may call the service. Ports are ignored in matching. */
function serviceDomains(service: Service, caller: Caller, domainSuffix: string): string[] {
  if (isWildcardHost(service.host)) return [service.host];
  const addresses = addressesOf(service, caller)
    .filter((address) => !address.includes("/"))
    .map((address) => (address.includes(":") ? `[${address}]` : address));
  // With a dot at its end, a name is the same one, spelled absolutely (RFC 1034 section 3.1).
  return [service.host, `${service.host}.`, ...shortNames(service.host, caller, domainSuffix), ...addresses];
}

function ruleViews(
  config: Config<VirtualService>,
  routes: readonly HttpRoute[],
  caller: Caller,
  port: number,
  lookup: DestinationLookup,
): HttpRuleView[] {
  const namespace = config.key.namespace;
  return scopedRules(routes, caller, port).map(({ route, matches }) => {
    const only = route.route?.length === 1;
    const destinations = (route.route ?? [])
      .map(({ destination, weight, headers }) => ({
        ...resolveDestination(destination, namespace, port, lookup),
        weight: only ? 100 : (weight ?? 0),
        headers,
      }))
      .filter(({ weight }) => weight > 0);
    return {
      route,
      matches,
      destinations: destinations.map(({ cluster, weight, headers }) => ({ cluster, weight, headers })),
      mirrors: mirrorsOf(route).map(({ destination, percent }) => ({
        cluster: resolveDestination(destination, namespace, port, lookup).cluster,
        percent,
      })),
      hashes: distinct(destinations.flatMap(({ hash }) => hash ?? [])),
      sticky: only && destinations[0]?.hash !== undefined,
    };
  });
}

/** Destinations that share a rule would have Envoy set the same cookie once for each. */
function distinct(hashes: readonly ConsistentHash[]): ConsistentHash[] {
  return [...new Map(hashes.map((hash) => [JSON.stringify(hash), hash])).values()];
}

function mirrorsOf(route: HttpRoute): { destination: NonNullable<HttpRoute["mirror"]>; percent: number }[] {
  if (route.mirrors !== undefined && route.mirrors.length > 0) {
    return route.mirrors.map((mirror) => ({
      destination: mirror.destination,
      percent: percentOf(mirror.percentage) ?? 100,
    }));
  }
  if (route.mirror === undefined) return [];
  const percent = percentOf(route.mirrorPercentage) ?? route.mirrorPercent ?? route.mirror_percent ?? 100;
  return [{ destination: route.mirror, percent }];
}

/** A percentage that is there but says nothing is 0, as in protobuf. */
function percentOf(percentage: { value?: number } | undefined): number | undefined {
  return percentage === undefined ? undefined : (percentage.value ?? 0);
}
