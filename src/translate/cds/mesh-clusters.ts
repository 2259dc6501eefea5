// MeshConfig.outboundTrafficPolicy.mode, ServiceEntry.spec.ports[].targetPort → envoy.config.cluster.v3.Cluster PassthroughCluster, BlackHoleCluster, InboundPassthroughCluster, inbound|<port>||
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type Cluster,
  ClusterSchema,
  Cluster_DiscoveryType as DiscoveryType,
  Cluster_LbPolicy as LbPolicy,
} from "../../../gen/envoy/config/cluster/v3/cluster_pb.ts";
import {
  blackHoleCluster,
  inboundClusterName,
  inboundPassthroughCluster,
  passthroughCluster,
} from "../../model/cluster-name.ts";
import type { InboundPort } from "../../model/inbound-view.ts";
import { isHttp2 } from "../../model/protocol.ts";
import { durationFromMs } from "../duration.ts";
import { buildCircuitBreakers } from "./circuit-breakers.ts";
import { serviceMetadata } from "./cluster-metadata.ts";
import { buildClientProtocolOptions, buildHttp2ProtocolOptions, httpProtocolOptionsKey } from "./protocol-options.ts";

/**
 * Source address of connections from the proxy to its own application. Capture lets it pass, so they do not come back
 * to the proxy (Istio's inbound passthrough address).
 */
const inboundSource = "127.0.0.6";
/** The same for IPv6. */
const inboundSourceIpv6 = "::6";

export function buildPassthroughCluster(connectTimeoutMs: number): Cluster {
  return originalDestination(passthroughCluster, connectTimeoutMs, {
    metadata: serviceMetadata("unknown", passthroughCluster, "unknown"),
    // Unknown hosts on a port that the mesh takes for HTTP come here too, gRPC among them.
    typedExtensionProtocolOptions: { [httpProtocolOptionsKey]: buildClientProtocolOptions() },
  });
}

/** No endpoints: what goes here is refused. */
export function buildBlackHoleCluster(connectTimeoutMs: number): Cluster {
  return create(ClusterSchema, {
    name: blackHoleCluster,
    clusterDiscoveryType: { case: "type", value: DiscoveryType.STATIC },
    connectTimeout: durationFromMs(connectTimeoutMs),
  });
}

export function buildInboundPassthroughCluster(connectTimeoutMs: number, ipv6: boolean): Cluster {
  return originalDestination(inboundPassthroughCluster, connectTimeoutMs, {
    ...inboundBinding(ipv6),
    metadata: serviceMetadata("unknown", inboundPassthroughCluster, "unknown"),
  });
}

/** ServiceEntry.spec.ports[].targetPort: the application's own port, reached at the address the caller used. */
export function buildInboundCluster(port: InboundPort, connectTimeoutMs: number, ipv6: boolean): Cluster {
  const cluster = originalDestination(inboundClusterName(port.port), connectTimeoutMs, {
    ...inboundBinding(ipv6),
    altStatName: `${inboundClusterName(port.port)};`,
    metadata: serviceMetadata(port.host, port.serviceName, port.serviceNamespace),
  });
  if (isHttp2(port.protocol))
    cluster.typedExtensionProtocolOptions[httpProtocolOptionsKey] = buildHttp2ProtocolOptions();
  return cluster;
}

/** @param ipv6 the machine does IPv6, so its application is called over it too; its agent sees to the source address */
function inboundBinding(ipv6: boolean): MessageInitShape<typeof ClusterSchema> {
  const anyPort = { case: "portValue", value: 0 } as const;
  return {
    upstreamBindConfig: {
      sourceAddress: { address: inboundSource, portSpecifier: anyPort },
      extraSourceAddresses: ipv6 ? [{ address: { address: inboundSourceIpv6, portSpecifier: anyPort } }] : [],
    },
  };
}

function originalDestination(
  name: string,
  connectTimeoutMs: number,
  more: MessageInitShape<typeof ClusterSchema> = {},
): Cluster {
  return create(ClusterSchema, {
    name,
    clusterDiscoveryType: { case: "type", value: DiscoveryType.ORIGINAL_DST },
    lbPolicy: LbPolicy.CLUSTER_PROVIDED,
    connectTimeout: durationFromMs(connectTimeoutMs),
    circuitBreakers: buildCircuitBreakers(undefined),
    ...more,
  });
}
