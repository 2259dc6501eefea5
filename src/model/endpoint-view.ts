// DestinationRule.spec.subsets[].labels → the endpoints of the subset
//
// The endpoints of a service as one cluster sees them.
import { matchesLabels } from "../config/selector.ts";
import { isIpAddress } from "../kernel/ip-address.ts";
import type { Discovery } from "./discovery.ts";
import type { Endpoint, ServiceEndpoints } from "./endpoint.ts";
import type { ServicePort } from "./service.ts";

/** One endpoint as one port of one service sees it. */
export interface EndpointView {
  readonly endpoint: Endpoint;
  /** Those of the workload's addresses that the cluster can use, the primary one first; never empty. */
  readonly addresses: readonly string[];
  readonly port: number;
  readonly mtls: boolean;
}

/** Ports and subsets of one service that are kept; more are made again each time. */
const variantLimit = 64;

/** By what they are made of, which never changes: scopes that see the same service share them. */
const known = new WeakMap<ServiceEndpoints, Map<string, readonly EndpointView[]>>();

/**
 * Sorted by locality, within it by workload uid.
 *
 * @param labels of a subset; undefined for the whole service
 */
export function endpointViews(
  port: ServicePort,
  labels: Readonly<Record<string, string>> | undefined,
  endpoints: ServiceEndpoints | undefined,
  discovery: Discovery,
): readonly EndpointView[] {
  if (endpoints === undefined) return [];
  let variants = known.get(endpoints);
  if (variants === undefined) {
    variants = new Map();
    known.set(endpoints, variants);
  }
  const variant = `${port.number} ${discovery} ${labels === undefined ? "" : JSON.stringify(labels)}`;
  const present = variants.get(variant);
  if (present !== undefined) return present;
  const views = makeViews(port, labels, endpoints, discovery);
  if (variants.size < variantLimit) variants.set(variant, views);
  return views;
}

function makeViews(
  port: ServicePort,
  labels: Readonly<Record<string, string>> | undefined,
  { endpoints }: ServiceEndpoints,
  discovery: Discovery,
): EndpointView[] {
  return endpoints
    .filter(({ workload }) => matchesLabels(labels, workload.labels))
    .flatMap((endpoint) => {
      const listening = endpoint.ports[port.number];
      if (listening === undefined) return [];
      const addresses = usable(endpoint.workload.addresses, discovery);
      return [{ endpoint, addresses, port: listening, mtls: endpoint.mtlsPorts.includes(port.number) }];
    })
    .filter(({ addresses }) => addresses.length > 0)
    .sort(byLocality);
}

function usable(addresses: readonly string[], discovery: Discovery): readonly string[] {
  const isFit = (address: string): boolean => isUsable(address, discovery);
  return addresses.every(isFit) ? addresses : addresses.filter(isFit);
}

/** EDS takes addresses and sockets, and refuses a whole load assignment for one name; DNS clusters take no sockets. */
function isUsable(address: string, discovery: Discovery): boolean {
  const socket = address.startsWith("unix://");
  return discovery === "eds" ? socket || isIpAddress(address) : !socket;
}

function byLocality(a: EndpointView, b: EndpointView): number {
  const [x, y] = [a.endpoint.workload, b.endpoint.workload];
  return x.locality === y.locality ? (x.uid < y.uid ? -1 : 1) : x.locality < y.locality ? -1 : 1;
}
