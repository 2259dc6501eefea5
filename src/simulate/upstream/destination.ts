// The clusters that share the traffic of a route or of a TCP proxy.
import type { TcpProxy } from "../../../gen/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.ts";
import { TcpProxySchema } from "../../../gen/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.ts";
import type { EnvoyResources } from "../envoy-resources.ts";
import { simulateErrors } from "../errors.ts";
import { onlyFields } from "../known-fields.ts";
import { resolveUpstream, type Upstream } from "./upstream.ts";

export interface Destination {
  readonly cluster: string;
  /** Share of the traffic, 0 to 1. */
  readonly share: number;
  readonly upstream: Upstream;
}

const knownFields = new Set([
  "stat_prefix",
  "cluster",
  "weighted_clusters",
  "access_log",
  "access_log_options",
  "idle_timeout",
  "upstream_connect_mode",
  "max_early_data_bytes",
]);

export function tcpDestinations(resources: EnvoyResources, proxy: TcpProxy): Destination[] {
  onlyFields(TcpProxySchema, proxy, knownFields);
  const { clusterSpecifier: specifier } = proxy;
  if (specifier.case === "cluster") return sharedDestinations(resources, [{ cluster: specifier.value, weight: 1 }]);
  if (specifier.case === "weightedClusters") {
    const clusters = specifier.value.clusters.map(({ name, weight }) => ({ cluster: name, weight }));
    return sharedDestinations(resources, clusters);
  }
  throw simulateErrors.cannotSimulate("cannot simulate a TCP proxy without cluster");
}

/** Those without weight get nothing and are left out. */
export function sharedDestinations(
  resources: EnvoyResources,
  clusters: readonly { cluster: string; weight: number }[],
): Destination[] {
  const total = clusters.reduce((sum, { weight }) => sum + weight, 0);
  return clusters
    .filter(({ weight }) => weight > 0)
    .map(({ cluster, weight }) => ({ cluster, share: weight / total, upstream: resolveUpstream(resources, cluster) }));
}
