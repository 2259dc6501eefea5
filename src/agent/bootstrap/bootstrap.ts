// envoy.config.bootstrap.v3.Bootstrap, as Istio's proxies have it: admin, one socket for xDS and SDS, readiness, limits.
import type { JsonObject } from "@bufbuild/protobuf";
import { buildNode, type NodeInput } from "./node.ts";
import { readinessListener } from "./readiness-listener.ts";
import { grpcSocketCluster, loopbackCluster } from "./static-cluster.ts";
import { buildStatsConfig } from "./stats-config.ts";

export interface BootstrapInput {
  node: NodeInput;
  /** The agent's Unix socket, which serves xDS and SDS. */
  socketPath: string;
  /** Loopback only; 0 takes a free port (`--admin-address-path` tells which). */
  adminPort: number;
  /** The agent's own port (15020), which answers readiness. */
  agentPort: number;
  /** Address that 15021 is reached at. */
  statusAddress: string;
  /** 15021. */
  statusPort: number;
  /** Most connections that clients may have open together. */
  maxDownstreamConnections: number;
}

/** Idle stats series vanish after up to two sweeps; the stats logger's scope allows it. */
const statsEvictionInterval = "300s";

/** @returns JSON for Envoy's `--config-path` */
export function buildBootstrap(input: BootstrapInput): JsonObject {
  const { node, socketPath, adminPort, agentPort, statusAddress, statusPort, maxDownstreamConnections } = input;
  return {
    node: buildNode(node),
    admin: {
      address: { socketAddress: { address: "127.0.0.1", portValue: adminPort } },
      ignoreGlobalConnLimit: true,
    },
    dynamicResources: {
      ldsConfig: { ads: {}, initialFetchTimeout: "0s", resourceApiVersion: "V3" },
      cdsConfig: { ads: {}, initialFetchTimeout: "0s", resourceApiVersion: "V3" },
      adsConfig: {
        apiType: "DELTA_GRPC",
        transportApiVersion: "V3",
        setNodeOnFirstMessageOnly: true,
        grpcServices: [{ envoyGrpc: { clusterName: "xds-grpc" } }],
      },
    },
    staticResources: {
      clusters: [
        grpcSocketCluster("xds-grpc", socketPath),
        grpcSocketCluster("sds-grpc", socketPath),
        loopbackCluster("agent", agentPort),
      ],
      listeners: [readinessListener(statusAddress, statusPort)],
    },
    statsConfig: buildStatsConfig(),
    statsEvictionInterval,
    layeredRuntime: {
      layers: [
        {
          name: "global config",
          staticLayer: {
            "re2.max_program_size.error_level": "32768",
            "envoy.deprecated_features:envoy.config.listener.v3.Listener.hidden_envoy_deprecated_use_original_dst": true,
            "envoy.reloadable_features.http_reject_path_with_fragment": false,
          },
        },
        { name: "admin", adminLayer: {} },
      ],
    },
    bootstrapExtensions: [
      {
        name: "envoy.bootstrap.internal_listener",
        typedConfig: {
          "@type": "type.googleapis.com/envoy.extensions.bootstrap.internal_listener.v3.InternalListener",
        },
      },
    ],
    overloadManager: {
      resourceMonitors: [
        {
          name: "envoy.resource_monitors.global_downstream_max_connections",
          typedConfig: {
            "@type":
              "type.googleapis.com/envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig",
            maxActiveDownstreamConnections: String(maxDownstreamConnections),
          },
        },
      ],
    },
  };
}
