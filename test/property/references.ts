// What one Envoy resource needs of others: clusters by name, route configurations, load assignments.
import { fromBinary } from "@bufbuild/protobuf";
import { type Any, anyUnpack } from "@bufbuild/protobuf/wkt";
import { Cluster_DiscoveryType, ClusterSchema } from "../../gen/envoy/config/cluster/v3/cluster_pb.ts";
import type { FilterChain } from "../../gen/envoy/config/listener/v3/listener_components_pb.ts";
import { ListenerSchema } from "../../gen/envoy/config/listener/v3/listener_pb.ts";
import type { Route } from "../../gen/envoy/config/route/v3/route_components_pb.ts";
import { type RouteConfiguration, RouteConfigurationSchema } from "../../gen/envoy/config/route/v3/route_pb.ts";
import { HttpConnectionManagerSchema } from "../../gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts";
import { TcpProxySchema } from "../../gen/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.ts";
import { RoutePartSchema } from "../../gen/lateen/agent/v1/agent_pb.ts";
import { typeUrls } from "../../src/xds/type-url.ts";

export interface References {
  readonly clusters: readonly string[];
  /** Names of route configurations that are fetched. */
  readonly routes: readonly string[];
  /** Name of the load assignment, of EDS clusters. */
  readonly loadAssignment: string | undefined;
  /** Of a part of a route configuration: `head` counts where it is one. */
  readonly part?: { readonly head: Uint8Array; readonly position: string; readonly contentVersion: string };
}

const none: References = { clusters: [], routes: [], loadAssignment: undefined };

/** Resources of many histories are alike; decoding them is dear. */
const known = new Map<string, References>();
const knownLimit = 100_000;

/** @param fingerprint of type and body */
export function referencesOf(typeUrl: string, body: Uint8Array, fingerprint: string): References {
  const key = `${typeUrl} ${fingerprint}`;
  let references = known.get(key);
  if (references === undefined) {
    if (known.size >= knownLimit) known.clear();
    references = read(typeUrl, body);
    known.set(key, references);
  }
  return references;
}

function read(typeUrl: string, body: Uint8Array): References {
  if (typeUrl === typeUrls.cluster) return ofCluster(body);
  if (typeUrl === typeUrls.listener) return ofListener(body);
  if (typeUrl === typeUrls.route) {
    return { ...none, clusters: clustersOfRoutes(fromBinary(RouteConfigurationSchema, body)) };
  }
  if (typeUrl === typeUrls.routePart) {
    const { routeConfiguration, position, contentVersion } = fromBinary(RoutePartSchema, body);
    const clusters = clustersOfRoutes(fromBinary(RouteConfigurationSchema, routeConfiguration));
    return { ...none, clusters, part: { head: routeConfiguration, position, contentVersion } };
  }
  return none;
}

function ofCluster(body: Uint8Array): References {
  const { name, clusterDiscoveryType, edsClusterConfig } = fromBinary(ClusterSchema, body);
  const isEds = clusterDiscoveryType.case === "type" && clusterDiscoveryType.value === Cluster_DiscoveryType.EDS;
  return isEds ? { ...none, loadAssignment: edsClusterConfig?.serviceName || name } : none;
}

function ofListener(body: Uint8Array): References {
  const listener = fromBinary(ListenerSchema, body);
  const clusters = new Set<string>();
  const routes = new Set<string>();
  const chains: FilterChain[] = [...listener.filterChains];
  if (listener.defaultFilterChain !== undefined) chains.push(listener.defaultFilterChain);
  for (const { filters } of chains) {
    for (const { configType } of filters) {
      if (configType.case === "typedConfig") readFilter(configType.value, clusters, routes);
    }
  }
  return { clusters: [...clusters], routes: [...routes], loadAssignment: undefined };
}

function readFilter(config: Any, clusters: Set<string>, routes: Set<string>): void {
  const tcp = anyUnpack(config, TcpProxySchema);
  if (tcp !== undefined) {
    const { clusterSpecifier } = tcp;
    if (clusterSpecifier.case === "cluster") clusters.add(clusterSpecifier.value);
    else if (clusterSpecifier.case === "weightedClusters") {
      for (const { name } of clusterSpecifier.value.clusters) clusters.add(name);
    }
    return;
  }
  const http = anyUnpack(config, HttpConnectionManagerSchema);
  if (http === undefined) return;
  const { routeSpecifier } = http;
  if (routeSpecifier.case === "rds") routes.add(routeSpecifier.value.routeConfigName);
  else if (routeSpecifier.case === "routeConfig") {
    for (const name of clustersOfRoutes(routeSpecifier.value)) clusters.add(name);
  }
}

function clustersOfRoutes({ virtualHosts }: RouteConfiguration): string[] {
  return [...new Set(virtualHosts.flatMap(({ routes }) => routes.flatMap(clustersOfRoute)))];
}

function clustersOfRoute({ action }: Route): string[] {
  if (action.case !== "route") return [];
  const { clusterSpecifier, requestMirrorPolicies } = action.value;
  const mirrors = requestMirrorPolicies.map(({ cluster }) => cluster);
  if (clusterSpecifier.case === "cluster") return [clusterSpecifier.value, ...mirrors];
  if (clusterSpecifier.case !== "weightedClusters") return mirrors;
  return [...clusterSpecifier.value.clusters.map(({ name }) => name), ...mirrors];
}
