// Which virtual host takes a request (VirtualHost.domains).
import type { VirtualHost } from "../../../gen/envoy/config/route/v3/route_components_pb.ts";
import { type RouteConfiguration, RouteConfigurationSchema } from "../../../gen/envoy/config/route/v3/route_pb.ts";
import { onlyFields } from "../known-fields.ts";

const knownFields = new Set([
  "name",
  "virtual_hosts",
  "ignore_port_in_host_matching",
  "validate_clusters",
  "max_direct_response_body_size_bytes",
]);

/** An exact domain before the longest `*.suffix`, before the longest `prefix.*`, before `*`. */
export function selectVirtualHost(
  routes: RouteConfiguration,
  authority: string,
): { virtualHost: VirtualHost; because: string } | undefined {
  onlyFields(RouteConfigurationSchema, routes, knownFields);
  const host = (routes.ignorePortInHostMatching ? withoutPort(authority) : authority).toLowerCase();
  let best: { virtualHost: VirtualHost; domain: string; rank: number } | undefined;
  for (const virtualHost of routes.virtualHosts) {
    for (const domain of virtualHost.domains.map((name) => name.toLowerCase())) {
      const rank = rankOf(domain, host);
      if (rank > (best?.rank ?? 0)) best = { virtualHost, domain, rank };
    }
  }
  return best === undefined
    ? undefined
    : { virtualHost: best.virtualHost, because: `its domain ${best.domain} matches ${host}` };
}

/** A host name has at most 253 characters, so that lengths cannot reach the next kind. */
const kind = 1000;

/** 0 where the domain does not match. */
function rankOf(domain: string, host: string): number {
  if (domain === host) return 4 * kind;
  if (domain === "*") return 1;
  if (domain.startsWith("*") && host.length > domain.length - 1 && host.endsWith(domain.slice(1))) {
    return 2 * kind + domain.length;
  }
  if (domain.endsWith("*") && host.length > domain.length - 1 && host.startsWith(domain.slice(0, -1))) {
    return kind + domain.length;
  }
  return 0;
}

function withoutPort(authority: string): string {
  return authority.replace(/:\d+$/, "");
}
