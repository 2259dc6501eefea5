// DestinationRule.spec.host, ServiceEntry.spec.resolution → envoy.config.cluster.v3.Cluster
// DestinationRule.spec.trafficPolicy.connectionPool.tcp.connectTimeout, MeshConfig.connectTimeout → envoy.config.cluster.v3.Cluster.connect_timeout
// ServiceEntry.spec.ports[].targetPort → envoy.config.cluster.v3.Cluster.OriginalDstLbConfig.upstream_port_override
// MeshConfig.dnsRefreshRate → envoy.config.cluster.v3.Cluster.dns_refresh_rate
// DestinationRule.spec.trafficPolicy.outlierDetection.minHealthPercent → envoy.config.cluster.v3.Cluster.CommonLbConfig.healthy_panic_threshold
import { create } from "@bufbuild/protobuf";
import {
  type Cluster,
  Cluster_OriginalDstLbConfigSchema,
  ClusterSchema,
  Cluster_DiscoveryType as DiscoveryType,
  Cluster_DnsLookupFamily as DnsLookupFamily,
  Cluster_LbPolicy as LbPolicy,
} from "../../../gen/envoy/config/cluster/v3/cluster_pb.ts";
import { ApiVersion } from "../../../gen/envoy/config/core/v3/config_source_pb.ts";
import type { ClusterView } from "../../model/cluster-view.ts";
import { durationFrom, durationFromMs } from "../duration.ts";
import { buildLoadAssignment } from "../eds/load-assignment.ts";
import { buildMeshTls, buildOriginatedTls } from "../tls/upstream-tls.ts";
import { buildCircuitBreakers } from "./circuit-breakers.ts";
import { clusterMetadata } from "./cluster-metadata.ts";
import { applyLoadBalancer } from "./load-balancer.ts";
import { buildOutlierDetection } from "./outlier-detection.ts";
import { buildHttpProtocolOptions, httpProtocolOptionsKey } from "./protocol-options.ts";
import { applyTcpKeepalive } from "./tcp-keepalive.ts";

export function buildCluster(view: ClusterView): Cluster {
  const tcp = view.policy.connectionPool?.tcp;
  const cluster = create(ClusterSchema, {
    name: view.name,
    // The trailing character keeps Envoy from cutting the name at its last separator (Istio's convention).
    altStatName: `${view.name};`,
    connectTimeout: durationFrom(tcp?.connectTimeout) ?? durationFromMs(view.connectTimeoutMs),
    circuitBreakers: buildCircuitBreakers(view.policy.connectionPool),
    metadata: clusterMetadata(view),
  });
  applyDiscovery(cluster, view);
  if (view.discovery !== "original-dst") applyLoadBalancer(cluster, view.policy.loadBalancer);
  const outliers = view.policy.outlierDetection;
  if (outliers !== undefined) cluster.outlierDetection = buildOutlierDetection(outliers);
  if (view.discovery !== "original-dst") {
    // Envoy's own threshold of 50 percent would send requests to endpoints that are known to be down.
    cluster.commonLbConfig = create(ClusterSchema, {
      commonLbConfig: { healthyPanicThreshold: { value: outliers?.minHealthPercent ?? 0 } },
    }).commonLbConfig;
  }
  const protocolOptions = buildHttpProtocolOptions(view);
  if (protocolOptions !== undefined) cluster.typedExtensionProtocolOptions[httpProtocolOptionsKey] = protocolOptions;
  applyTcpKeepalive(cluster, tcp?.tcpKeepalive);
  applyTls(cluster, view);
  return cluster;
}

function applyDiscovery(cluster: Cluster, view: ClusterView): void {
  const type = {
    eds: DiscoveryType.EDS,
    "strict-dns": DiscoveryType.STRICT_DNS,
    "logical-dns": DiscoveryType.LOGICAL_DNS,
    "original-dst": DiscoveryType.ORIGINAL_DST,
  }[view.discovery];
  cluster.clusterDiscoveryType = { case: "type", value: type };
  if (view.discovery === "eds") {
    cluster.edsClusterConfig = create(ClusterSchema, {
      edsClusterConfig: {
        serviceName: view.name,
        // Envoy's own initial_fetch_timeout, unlike Istio's 0: ADR 0014.
        edsConfig: {
          resourceApiVersion: ApiVersion.V3,
          configSourceSpecifier: { case: "ads", value: {} },
        },
      },
    }).edsClusterConfig;
    return;
  }
  if (view.discovery === "original-dst") {
    cluster.lbPolicy = LbPolicy.CLUSTER_PROVIDED;
    if (view.portOverride !== undefined) {
      const value = create(Cluster_OriginalDstLbConfigSchema, { upstreamPortOverride: view.portOverride });
      cluster.lbConfig = { case: "originalDstLbConfig", value };
    }
    return;
  }
  cluster.dnsLookupFamily = DnsLookupFamily.ALL;
  cluster.dnsRefreshRate = durationFromMs(view.dnsRefreshRateMs);
  cluster.dnsJitter = durationFromMs(100);
  cluster.respectDnsTtl = true;
  // Envoy refuses a LOGICAL_DNS cluster with any other number of endpoints than one.
  const endpoints = view.discovery === "logical-dns" ? view.dnsEndpoints.slice(0, 1) : view.dnsEndpoints;
  if (endpoints.length === 0) cluster.clusterDiscoveryType = { case: "type", value: DiscoveryType.STATIC };
  cluster.loadAssignment = buildLoadAssignment({ cluster: view.name, endpoints });
}

function applyTls(cluster: Cluster, view: ClusterView): void {
  const tls = view.tls;
  switch (tls.mode) {
    case "plaintext":
      return;
    case "istio-mutual":
      cluster.transportSocket = buildMeshTls(view, tls);
      return;
    case "simple":
    case "mutual":
      cluster.transportSocket = buildOriginatedTls(view, tls);
      return;
    case "auto":
      // Per endpoint: its metadata says whether it takes mutual TLS.
      cluster.transportSocketMatches = create(ClusterSchema, {
        transportSocketMatches: [
          { name: "tlsMode-istio", match: { tlsMode: "istio" }, transportSocket: buildMeshTls(view, tls) },
          {
            name: "tlsMode-disabled",
            match: {},
            transportSocket: {
              name: "envoy.transport_sockets.raw_buffer",
              configType: { case: "typedConfig", value: rawBuffer },
            },
          },
        ],
      }).transportSocketMatches;
  }
}

const rawBuffer = {
  typeUrl: "type.googleapis.com/envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer",
  value: new Uint8Array(),
};
