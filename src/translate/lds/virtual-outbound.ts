// MeshConfig.outboundTrafficPolicy.mode, MeshConfig.proxyListenPort → envoy.config.listener.v3.Listener virtualOutbound

import { create } from "@bufbuild/protobuf";
import { TrafficDirection } from "../../../gen/envoy/config/core/v3/base_pb.ts";
import type { FilterChain } from "../../../gen/envoy/config/listener/v3/listener_components_pb.ts";
import { FilterChainSchema } from "../../../gen/envoy/config/listener/v3/listener_components_pb.ts";
import { type Listener, ListenerSchema } from "../../../gen/envoy/config/listener/v3/listener_pb.ts";
import { blackHoleCluster, type ClusterName, passthroughCluster } from "../../model/cluster-name.ts";
import type { MeshSettings } from "../../model/mesh-settings.ts";
import { socketAddress } from "../address.ts";
import { buildFileAccessLog } from "../telemetry/access-log.ts";
import { sourceTcpLoggers } from "../telemetry/source-loggers.ts";
import { blackHoleChain } from "./black-hole-chain.ts";
import { buildTcpProxy } from "./tcp-proxy.ts";

/**
 * The listener that capture redirects to; it hands connections to the listener of their original destination.
 *
 * @param ipv6 the machine does IPv6, so connections over it are captured too
 */
export function buildVirtualOutbound(mesh: MeshSettings, ipv6: boolean): Listener {
  return create(ListenerSchema, {
    name: "virtualOutbound",
    address: socketAddress("0.0.0.0", mesh.proxyListenPort),
    additionalAddresses: ipv6 ? [{ address: socketAddress("::", mesh.proxyListenPort) }] : [],
    trafficDirection: TrafficDirection.OUTBOUND,
    useOriginalDst: true,
    filterChains: [
      blackHoleChain("virtualOutbound-blackhole", mesh.proxyListenPort),
      buildUnknownDestinationChain("virtualOutbound-catchall-tcp", mesh),
    ],
  });
}

/** Connections to places the mesh does not know: passed on, or refused with REGISTRY_ONLY. */
export function buildUnknownDestinationChain(name: string, mesh: MeshSettings): FilterChain {
  const cluster: ClusterName = mesh.outboundTrafficPolicy === "ALLOW_ANY" ? passthroughCluster : blackHoleCluster;
  return create(FilterChainSchema, {
    name,
    filters: [
      buildTcpProxy({
        statPrefix: cluster,
        destinations: [{ cluster, weight: 100 }],
        accessLog: [...sourceTcpLoggers(), ...buildFileAccessLog(mesh, "tcp")],
        afterHandshake: false,
      }),
    ],
  });
}
