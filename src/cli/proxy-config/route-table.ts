// proxy-config route: virtual hosts and what they match.
import type { Fields } from "../../kernel/fields.ts";
import { listOf, textOf } from "../json-value.ts";
import { type ConfigDump, itemsOf, pick, pickAt } from "./config-dump.ts";
import { managedBy } from "./managed-by.ts";
import { describeRouteMatch, domainsOf, routesOf } from "./route-match.ts";

export const routeHeading = ["NAME", "VHOST NAME", "DOMAINS", "MATCH", "VIRTUAL SERVICE"];

/** Domains that are named; the rest is counted. */
const namedDomains = 2;

export function findRoutes(dump: ConfigDump, filter: { name?: string }): Fields[] {
  return itemsOf(dump.section("Routes"), [
    ["dynamic_route_configs", "route_config"],
    ["static_route_configs", "route_config"],
  ])
    .filter((route) => filter.name === undefined || textOf(route["name"]) === filter.name)
    .map((route, index) => ({ route, index, port: portOf(textOf(route["name"])) }))
    .sort((a, b) => a.port - b.port || a.index - b.index)
    .map(({ route }) => route);
}

/** Route configurations named for ports come first, by number; the others stay in Envoy's order. */
function portOf(name: string): number {
  return /^\d+$/.test(name) ? Number(name) : Number.MAX_SAFE_INTEGER;
}

export function routeRows(route: Fields): string[][] {
  const name = textOf(route["name"]);
  return listOf(pick(route, "virtual_hosts")).flatMap((virtualHost) => {
    const host = textOf(pick(virtualHost, "name"));
    const domains = describeDomains(domainsOf(virtualHost));
    const routes = routesOf(virtualHost);
    if (routes.length === 0) return [[name, host, domains, "/*", "404"]];
    return routes
      .filter((each) => textOf(pickAt(each, "route", "cluster")) !== "PassthroughCluster")
      .map((each) => [name, host, domains, describeRouteMatch(pick(each, "match")), managedBy(each)]);
  });
}

/** The names without ports, of `a`, `a.svc` and `a.svc.cluster.local` the shortest. */
export function describeDomains(domains: readonly string[]): string {
  if (domains.length === 1) return domains[0] ?? "";
  const plain = domains.filter((domain) => !domain.includes(":") || (domain.startsWith("[") && domain.endsWith("]")));
  const all = new Set(plain);
  const shortest = plain.filter((domain) =>
    [".svc.cluster.local", ".svc"].every((tail) => !domain.endsWith(tail) || !all.has(domain.slice(0, -tail.length))),
  );
  const named = shortest.slice(0, namedDomains).join(", ");
  return shortest.length > namedDomains ? `${named} + ${shortest.length - namedDomains} more...` : named;
}
