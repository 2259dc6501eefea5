// Where a cluster leads: its endpoints, and how the proxy speaks to each.
import {
  type Cluster,
  Cluster_OriginalDstLbConfigSchema,
  Cluster_DiscoveryType as DiscoveryType,
} from "../../../gen/envoy/config/cluster/v3/cluster_pb.ts";
import type { Address } from "../../../gen/envoy/config/core/v3/address_pb.ts";
import { HealthStatus } from "../../../gen/envoy/config/core/v3/health_check_pb.ts";
import {
  type LbEndpoint,
  type LocalityLbEndpoints,
  LocalityLbEndpointsSchema,
} from "../../../gen/envoy/config/endpoint/v3/endpoint_components_pb.ts";
import {
  type ClusterLoadAssignment,
  ClusterLoadAssignmentSchema,
} from "../../../gen/envoy/config/endpoint/v3/endpoint_pb.ts";
import type { EnvoyResources } from "../envoy-resources.ts";
import { simulateErrors } from "../errors.ts";
import { onlyFields } from "../known-fields.ts";
import { type HttpVersion, httpVersionOf } from "./http-version.ts";
import { selectTransport } from "./select-transport.ts";
import type { Transport } from "./tls-client.ts";

export type Upstream =
  | {
      readonly kind: "endpoints";
      readonly cluster: string;
      readonly http: HttpVersion;
      /** Those that get traffic, in the cluster's order; never empty. */
      readonly endpoints: readonly UpstreamEndpoint[];
      /** Those that get none, because they are not healthy. */
      readonly avoided: readonly UpstreamEndpoint[];
    }
  /** The address the client called. */
  | {
      readonly kind: "original-destination";
      readonly cluster: string;
      readonly http: HttpVersion;
      /** In place of the port the client called, where the cluster says so. */
      readonly port: number | undefined;
      readonly transport: Transport;
    }
  | { readonly kind: "missing-cluster"; readonly cluster: string }
  | { readonly kind: "no-endpoints"; readonly cluster: string; readonly because: string };

export interface UpstreamEndpoint {
  /** IP address, DNS name, or path of a Unix socket. */
  readonly address: string;
  /** 0 for Unix sockets. */
  readonly port: number;
  readonly weight: number;
  /** `region/zone/subzone` */
  readonly locality: string;
  readonly transport: Transport;
}

/** Envoy's own (Cluster.CommonLbConfig.healthy_panic_threshold). */
const defaultPanicPercent = 50;

const knownAssignmentFields = new Set(["cluster_name", "endpoints"]);
const knownOriginalDstFields = new Set(["upstream_port_override"]);
const knownLocalityFields = new Set(["locality", "lb_endpoints", "load_balancing_weight"]);

/** @throws LateenError LAT2201 for other discovery types, priorities, and health that depends on the proxy's own checks */
export function resolveUpstream(resources: EnvoyResources, name: string): Upstream {
  const cluster = resources.cluster(name);
  if (cluster === undefined) return { kind: "missing-cluster", cluster: name };
  const http = httpVersionOf(cluster);
  if (typeOf(cluster) === DiscoveryType.ORIGINAL_DST) {
    const transport = selectTransport(cluster, undefined);
    return { kind: "original-destination", cluster: name, http, port: portOverrideOf(cluster), transport };
  }
  const assignment = assignmentOf(resources, cluster);
  if (assignment === undefined) {
    return { kind: "no-endpoints", cluster: name, because: "the cluster has no load assignment" };
  }
  onlyFields(ClusterLoadAssignmentSchema, assignment, knownAssignmentFields);
  const all = assignment.endpoints.flatMap((group) => readGroup(cluster, group));
  const healthy = all.filter((entry) => entry.healthy).map(({ endpoint }) => endpoint);
  const threshold = cluster.commonLbConfig?.healthyPanicThreshold?.value ?? defaultPanicPercent;
  const panics = healthy.length * 100 < threshold * all.length;
  const endpoints = panics ? all.map(({ endpoint }) => endpoint) : healthy;
  if (endpoints.length === 0) {
    const because = all.length === 0 ? "it has no endpoint" : `none of its ${all.length} endpoints is healthy`;
    return { kind: "no-endpoints", cluster: name, because };
  }
  const avoided = panics ? [] : all.filter((entry) => !entry.healthy).map(({ endpoint }) => endpoint);
  return { kind: "endpoints", cluster: name, http, endpoints, avoided };
}

function portOverrideOf({ lbConfig }: Cluster): number | undefined {
  if (lbConfig.case !== "originalDstLbConfig") return undefined;
  onlyFields(Cluster_OriginalDstLbConfigSchema, lbConfig.value, knownOriginalDstFields);
  return lbConfig.value.upstreamPortOverride;
}

function typeOf(cluster: Cluster): DiscoveryType {
  const { clusterDiscoveryType: discovery } = cluster;
  if (discovery.case === "type") return discovery.value;
  if (discovery.case === undefined) return DiscoveryType.STATIC;
  throw simulateErrors.cannotSimulate(`cannot simulate the discovery of cluster ${cluster.name}`);
}

function assignmentOf(resources: EnvoyResources, cluster: Cluster): ClusterLoadAssignment | undefined {
  if (typeOf(cluster) !== DiscoveryType.EDS) return cluster.loadAssignment;
  return resources.loadAssignment(cluster.edsClusterConfig?.serviceName || cluster.name);
}

function readGroup(cluster: Cluster, group: LocalityLbEndpoints): { endpoint: UpstreamEndpoint; healthy: boolean }[] {
  onlyFields(LocalityLbEndpointsSchema, group, knownLocalityFields);
  const { region = "", zone = "", subZone = "" } = group.locality ?? {};
  const locality = [region, zone, subZone].join("/").replace(/\/+$/, "");
  return group.lbEndpoints.map((member) => ({
    healthy: isHealthy(member),
    endpoint: {
      ...placeOf(member),
      weight: member.loadBalancingWeight ?? 1,
      locality,
      transport: selectTransport(cluster, member.metadata),
    },
  }));
}

function isHealthy({ healthStatus }: LbEndpoint): boolean {
  if (healthStatus === HealthStatus.DEGRADED) throw simulateErrors.cannotSimulate("cannot simulate degraded endpoints");
  return healthStatus === HealthStatus.UNKNOWN || healthStatus === HealthStatus.HEALTHY;
}

function placeOf({ hostIdentifier }: LbEndpoint): { address: string; port: number } {
  if (hostIdentifier.case !== "endpoint") throw simulateErrors.cannotSimulate("cannot simulate named endpoints");
  return addressOf(hostIdentifier.value.address);
}

function addressOf(address: Address | undefined): { address: string; port: number } {
  const place = address?.address;
  if (place?.case === "pipe") return { address: place.value.path, port: 0 };
  if (place?.case === "socketAddress" && place.value.portSpecifier.case === "portValue") {
    return { address: place.value.address, port: place.value.portSpecifier.value };
  }
  throw simulateErrors.cannotSimulate(`cannot simulate an address of kind ${place?.case ?? "none"}`);
}
