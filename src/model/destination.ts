// VirtualService destinations as cluster names.

import type { ConsistentHash } from "../config/destination-rule/consistent-hash.ts";
import type { Destination } from "../config/virtual-service/destination.ts";
import { type ClusterName, outboundClusterName } from "./cluster-name.ts";
import { type HostRules, policyFor } from "./destination-rule.ts";
import { type Hostname, resolveHost } from "./hostname.ts";
import type { Service } from "./service.ts";

/** What a route needs to know of the hosts it sends to. */
export interface DestinationLookup {
  service(host: Hostname): Service | undefined;
  rules(service: Service): HostRules;
  readonly domainSuffix: string;
}

export interface ResolvedDestination {
  readonly cluster: ClusterName;
  /** loadBalancer.consistentHash of the destination: Envoy wants it on the route. */
  readonly hash: ConsistentHash | undefined;
}

/**
 * @param namespace of the object that names the destination
 * @param listenerPort port the request came in on; the destination's where it has several and none is named
 */
export function resolveDestination(
  destination: Destination,
  namespace: string,
  listenerPort: number,
  lookup: DestinationLookup,
): ResolvedDestination {
  const host = resolveHost(destination.host, namespace, lookup.domainSuffix);
  const service = lookup.service(host);
  const port = portOf(destination, service, listenerPort);
  const subset = destination.subset ?? "";
  if (service === undefined) return { cluster: outboundClusterName(host, port, subset), hash: undefined };
  const rules = lookup.rules(service);
  const subsetPolicy = rules.subsets.find((candidate) => candidate.name === subset)?.trafficPolicy;
  const policy = policyFor(rules.trafficPolicy, subsetPolicy, port);
  return { cluster: outboundClusterName(service.host, port, subset), hash: policy.loadBalancer?.consistentHash };
}

function portOf(destination: Destination, service: Service | undefined, listenerPort: number): number {
  if (destination.port?.number !== undefined) return destination.port.number;
  const only = service?.ports.length === 1 ? service.ports[0] : undefined;
  return only?.number ?? listenerPort;
}
