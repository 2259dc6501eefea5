// VirtualService.spec.tcp[].match[].destinationSubnets, VirtualService.spec.tcp[].match[].sourceSubnet → envoy.config.listener.v3.FilterChainMatch
// VirtualService.spec.tls[].match[].sniHosts, VirtualService.spec.tls[].match[].destinationSubnets → envoy.config.listener.v3.FilterChainMatch
//
// Where connections that are not HTTP go: by server name, destination and source address.
import type { Config } from "../config/object.ts";
import type { RouteDestination } from "../config/virtual-service/tcp-route.ts";
import type { VirtualService } from "../config/virtual-service/virtual-service.ts";
import { formatCidr, parseCidr } from "../kernel/ip-address.ts";
import type { Caller } from "./caller.ts";
import { type ClusterName, outboundClusterName } from "./cluster-name.ts";
import { type DestinationLookup, resolveDestination } from "./destination.ts";
import { policyFor } from "./destination-rule.ts";
import { isOpaqueTls } from "./protocol.ts";
import type { Service, ServicePort } from "./service.ts";
import { type CallerMatch, concernsCaller } from "./virtual-service.ts";

export interface TcpDestination {
  readonly cluster: ClusterName;
  /** At least 1. */
  readonly weight: number;
}

/** The connections a chain takes; an empty list asks for nothing. */
export interface TcpMatch {
  /** In lower case; `*.suffix` for any name below it. */
  readonly serverNames: readonly string[];
  /** CIDR blocks of the address that the application calls. */
  readonly destinations: readonly string[];
  /** CIDR blocks of the application's own address. */
  readonly sources: readonly string[];
}

/** A TCP proxy for one service. */
export interface TcpChain {
  readonly host: string;
  readonly match: TcpMatch;
  readonly destinations: readonly TcpDestination[];
  /** Duration as the API spells it; undefined for Envoy's hour. */
  readonly idleTimeout: string | undefined;
}

/**
 * The chains of one port, of which the most specific takes a connection.
 *
 * @param blocks the service's addresses that are CIDR blocks; a rule's own `destinationSubnets` replace them
 */
export function tcpChains(
  service: Service,
  port: ServicePort,
  virtualService: Config<VirtualService> | undefined,
  caller: Caller,
  lookup: DestinationLookup,
  blocks: readonly string[],
): TcpChain[] {
  const idleTimeout = policyFor(lookup.rules(service).trafficPolicy, undefined, port.number).connectionPool?.tcp
    ?.idleTimeout;
  const chain = (match: Partial<TcpMatch>, destinations: readonly TcpDestination[]): TcpChain => ({
    host: service.host,
    match: { serverNames: [], destinations: blocks, sources: [], ...match },
    destinations,
    idleTimeout,
  });
  const own = [{ cluster: outboundClusterName(service.host, port.number), weight: 1 }];
  const route = (destinations: readonly RouteDestination[] | undefined, namespace: string) =>
    weighted(destinations ?? [], namespace, port.number, lookup);
  if (virtualService === undefined) return [chain({}, own)];
  const { namespace } = virtualService.key;
  const chains: TcpChain[] = [];
  if (isOpaqueTls(port.protocol)) {
    for (const rule of virtualService.spec.tls ?? []) {
      for (const match of rule.match ?? []) {
        if (!concernsCaller(match, caller, port.number)) continue;
        const subnets = cidrs(match.destinationSubnets);
        chains.push(
          chain(
            {
              serverNames: match.sniHosts.includes("*") ? [] : match.sniHosts.map((name) => name.toLowerCase()),
              ...(subnets.length === 0 ? {} : { destinations: subnets }),
            },
            route(rule.route, namespace),
          ),
        );
      }
    }
    return chains.length === 0 ? [chain({}, own)] : chains;
  }
  for (const rule of virtualService.spec.tcp ?? []) {
    const matches: readonly TcpRuleMatch[] = rule.match === undefined || rule.match.length === 0 ? [{}] : rule.match;
    for (const match of matches) {
      if (!concernsCaller(match, caller, port.number)) continue;
      const subnets = cidrs(match.destinationSubnets);
      const sources = match.sourceSubnet === undefined || match.sourceSubnet === "" ? [] : cidrs([match.sourceSubnet]);
      const condition = { sources, ...(subnets.length === 0 ? {} : { destinations: subnets }) };
      chains.push(chain(condition, route(rule.route, namespace)));
      if (subnets.length === 0 && sources.length === 0) return chains;
    }
  }
  return [...chains, chain({}, own)];
}

interface TcpRuleMatch extends CallerMatch {
  destinationSubnets?: string[];
  sourceSubnet?: string;
}

/** Destinations without a share get nothing; Envoy takes no weight of 0 here. */
function weighted(
  destinations: readonly RouteDestination[],
  namespace: string,
  port: number,
  lookup: DestinationLookup,
): TcpDestination[] {
  const only = destinations.length === 1;
  return destinations
    .filter(({ weight }) => only || (weight ?? 0) > 0)
    .map(({ destination, weight }) => ({
      cluster: resolveDestination(destination, namespace, port, lookup).cluster,
      weight: only ? 1 : (weight ?? 1),
    }));
}

/** One spelling for one block, so that equal matches are seen to be equal. */
function cidrs(blocks: readonly string[] | undefined): string[] {
  return (blocks ?? []).flatMap((block) => {
    const cidr = parseCidr(block);
    return cidr === undefined ? [] : [formatCidr(cidr)];
  });
}

/**
 * Chains of which no two ask for the same, which Envoy refuses: the first keeps it. A server name at a destination belongs to
 * one host, whichever sources others ask for: a narrower source must not take a part of what is another's.
 */
export function withoutEqualMatches(chains: readonly TcpChain[]): TcpChain[] {
  const owners = new Map<string, string>();
  const taken = new Set<string>();
  return chains.flatMap((chain) => {
    const cells = cellsOf(chain.match);
    const free = cells.filter((cell) => {
      const place = JSON.stringify([cell.serverNames, cell.destinations]);
      const owner = owners.get(place) ?? chain.host;
      owners.set(place, owner);
      return owner === chain.host && !taken.has(JSON.stringify(cell));
    });
    for (const cell of free) taken.add(JSON.stringify(cell));
    return free.length === cells.length ? [chain] : free.map((match) => ({ ...chain, match }));
  });
}

/** A match as matches of one name, one destination and one source each. */
function cellsOf({ serverNames, destinations, sources }: TcpMatch): TcpMatch[] {
  const each = (list: readonly string[]): string[][] =>
    list.length === 0 ? [[]] : [...new Set(list)].map((item) => [item]);
  return each(serverNames).flatMap((names) =>
    each(destinations).flatMap((blocks) =>
      each(sources).map((from) => ({ serverNames: names, destinations: blocks, sources: from })),
    ),
  );
}

export function takesEverything(chain: TcpChain): boolean {
  return takesAnyPlace(chain) && chain.match.sources.length === 0;
}

/** True where neither server name nor destination tells the chain's connections from others. */
export function takesAnyPlace({ match }: TcpChain): boolean {
  return match.serverNames.length + match.destinations.length === 0;
}
