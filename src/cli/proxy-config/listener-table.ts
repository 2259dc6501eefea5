// proxy-config listener: where Envoy listens, what each filter chain matches, and where it leads.
import type { Fields } from "../../kernel/fields.ts";
import { listOf, numberOf, textOf } from "../json-value.ts";
import { compare } from "./cluster-name.ts";
import { type ConfigDump, itemsOf, pick, pickAt } from "./config-dump.ts";
import { describeRouteMatch, domainsOf, routesOf } from "./route-match.ts";

export interface ListenerFilter {
  address?: string;
  port?: number;
  /** HTTP, TCP, HTTP+TCP or UNKNOWN, in any case. */
  type?: string;
}

export const listenerHeading = ["ADDRESSES", "PORT", "MATCH", "DESTINATION"];

const httpFilter = "envoy.filters.network.http_connection_manager";
const tcpFilter = "envoy.filters.network.tcp_proxy";
/** Istio's cluster without endpoints: connections to it are closed. */
const blackHole = "BlackHoleCluster";

export function findListeners(dump: ConfigDump, filter: ListenerFilter): Fields[] {
  return itemsOf(dump.section("Listeners"), [
    ["dynamic_listeners", "active_state", "listener"],
    ["static_listeners", "listener"],
  ])
    .filter((listener) => fits(listener, filter))
    .sort(
      (a, b) =>
        portOf(a) - portOf(b) ||
        compare(addressesOf(a)[0] ?? "", addressesOf(b)[0] ?? "") ||
        compare(typeOf(a), typeOf(b)),
    );
}

function fits(listener: Fields, { address, port, type }: ListenerFilter): boolean {
  return (
    (address === undefined || addressesOf(listener).some((each) => each.toLowerCase() === address.toLowerCase())) &&
    (port === undefined || portOf(listener) === port) &&
    (type === undefined || typeOf(listener) === type.toUpperCase())
  );
}

export function listenerRows(listener: Fields): string[][] {
  const addresses = addressesOf(listener).join(",");
  const port = String(portOf(listener));
  return chainsOf(listener)
    .map((chain) => ({ match: describeMatch(pick(chain, "filter_chain_match")), destination: destinationOf(chain) }))
    .sort((a, b) => compare(b.destination, a.destination))
    .map(({ match, destination }) => [addresses, port, match, destination]);
}

function addressesOf(listener: Fields): string[] {
  const main = pick(listener, "address");
  const more = listOf(pick(listener, "additional_addresses")).map((each) => pick(each, "address"));
  return [main, ...more].map(
    (address) => textOf(pickAt(address, "socket_address", "address")) || textOf(pickAt(address, "pipe", "path")),
  );
}

function portOf(listener: Fields): number {
  return numberOf(pickAt(listener, "address", "socket_address", "port_value")) ?? 0;
}

function chainsOf(listener: Fields): unknown[] {
  const last = pick(listener, "default_filter_chain");
  return [...listOf(pick(listener, "filter_chains")), ...(last === undefined ? [] : [last])];
}

function filtersOf(chain: unknown): readonly unknown[] {
  return listOf(pick(chain, "filters"));
}

/** istioctl's classes. */
function typeOf(listener: Fields): string {
  let http = false;
  let tcp = false;
  for (const filter of chainsOf(listener).flatMap(filtersOf)) {
    const name = textOf(pick(filter, "name"));
    if (name === httpFilter) http = true;
    else if (name === tcpFilter && textOf(pickAt(filter, "typed_config", "cluster")) !== blackHole) tcp = true;
  }
  if (http) return tcp ? "HTTP+TCP" : "HTTP";
  return tcp ? "TCP" : "UNKNOWN";
}

/** Lists of ALPN protocols that have a name. */
const namedProtocols: readonly (readonly [name: string, protocols: string])[] = [
  ["App: HTTP TLS", "http/1.0,http/1.1,h2c,istio-http/1.0,istio-http/1.1,istio-h2"],
  ["App: Istio HTTP Plain", "istio,istio-http/1.0,istio-http/1.1,istio-h2"],
  ["App: TCP TLS", "istio-peer-exchange,istio"],
  ["App: HTTP", "http/1.0,http/1.1,h2c"],
];

function describeMatch(match: unknown): string {
  const parts: string[] = [];
  const names = listOf(pick(match, "server_names")).map(textOf);
  if (names.length > 0) parts.push(`SNI: ${names.join(",")}`);
  const transport = textOf(pick(match, "transport_protocol"));
  if (transport !== "") parts.push(`Trans: ${transport}`);
  const protocols = listOf(pick(match, "application_protocols")).map(textOf).join(",");
  if (protocols !== "") parts.push(namedProtocols.find(([, list]) => list === protocols)?.[0] ?? `App: ${protocols}`);
  const port = numberOf(pick(match, "destination_port"));
  const portText = port === undefined ? "" : `:${port}`;
  const ranges = listOf(pick(match, "prefix_ranges")).map(
    (range) => `${textOf(pick(range, "address_prefix"))}/${numberOf(pick(range, "prefix_len")) ?? 0}`,
  );
  if (ranges.length > 0) parts.push(`Addr: ${ranges.join(",")}${portText}`);
  else if (portText !== "") parts.push(`Addr: *${portText}`);
  return parts.length === 0 ? "ALL" : parts.join("; ");
}

function destinationOf(chain: unknown): string {
  for (const filter of filtersOf(chain)) {
    const name = textOf(pick(filter, "name"));
    const config = pick(filter, "typed_config");
    if (name === httpFilter) {
      const inline = pick(config, "route_config");
      return inline === undefined
        ? `Route: ${textOf(pickAt(config, "rds", "route_config_name"))}`
        : describeInline(inline);
    }
    if (name === tcpFilter) {
      const cluster = textOf(pick(config, "cluster"));
      if (cluster === blackHole) break;
      if (cluster !== "") return clusterText(cluster);
      const weighted = listOf(pickAt(config, "weighted_clusters", "clusters")).map((each) =>
        textOf(pick(each, "name")),
      );
      if (weighted.length > 0) return `Cluster: ${weighted.join(", ")}`;
    }
  }
  return "Non-HTTP/Non-TCP";
}

/** Istio's own clusters speak for themselves. */
function clusterText(cluster: string): string {
  return cluster.includes("Cluster") ? cluster : `Cluster: ${cluster}`;
}

function describeInline(route: unknown): string {
  const hosts = listOf(pick(route, "virtual_hosts"));
  const only = hosts.length === 1 ? onlyCluster(hosts[0]) : undefined;
  if (only !== undefined) return clusterText(only);
  const texts = hosts.map((host) => {
    const domains = domainsOf(host);
    const routes = routesOf(host)
      .map((each) => describeRouteMatch(pick(each, "match")))
      .join(", ");
    return domains.length === 1 && domains[0] === "*" ? routes : `${domains.join("/")} ${routes}`;
  });
  return `Inline Route: ${texts.join("; ")}`;
}

/** The cluster that a virtual host for everything sends everything to. */
function onlyCluster(host: unknown): string | undefined {
  const domains = domainsOf(host);
  const routes = routesOf(host);
  if (domains.length !== 1 || domains[0] !== "*" || routes.length !== 1) return undefined;
  if (textOf(pickAt(routes[0], "match", "prefix")) !== "/") return undefined;
  return textOf(pickAt(routes[0], "route", "cluster")) || undefined;
}
