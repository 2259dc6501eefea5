// ServiceEntry.spec.ports[], ServiceEntry.spec.addresses → envoy.config.listener.v3.Listener
import { create } from "@bufbuild/protobuf";
import { TrafficDirection } from "../../../gen/envoy/config/core/v3/base_pb.ts";
import { type FilterChain, FilterChainSchema } from "../../../gen/envoy/config/listener/v3/listener_components_pb.ts";
import { type Listener, ListenerSchema } from "../../../gen/envoy/config/listener/v3/listener_pb.ts";
import type { MeshSettings } from "../../model/mesh-settings.ts";
import type { OutboundListenerView, TcpChain } from "../../model/outbound-listener-view.ts";
import { socketAddress } from "../address.ts";
import { durationFromMs } from "../duration.ts";
import { buildFileAccessLog } from "../telemetry/access-log.ts";
import { sourceTags } from "../telemetry/labels.ts";
import { buildPeerHeaderFilter } from "../telemetry/peer-header.ts";
import { buildHttpStatsLogger, buildTcpStatsLoggers } from "../telemetry/stats-logger.ts";
import { buildHttpConnectionManager } from "./http-connection-manager.ts";
import { buildTlsInspector } from "./listener-filter.ts";
import { buildTcpProxy } from "./tcp-proxy.ts";
import { buildUnknownDestinationChain } from "./virtual-outbound.ts";

/** A listener without a socket of its own: virtualOutbound hands connections to it by their original destination. */
export function buildOutboundListener(view: OutboundListenerView, mesh: MeshSettings): Listener {
  const address = view.kind === "address" ? view.address : "0.0.0.0";
  const listener = create(ListenerSchema, {
    name: `${address}_${view.port}`,
    address: socketAddress(address, view.port),
    trafficDirection: TrafficDirection.OUTBOUND,
    bindToPort: false,
  });
  if (view.kind === "address") {
    listener.filterChains = [tcpChain(view.chain, mesh)];
    return listener;
  }
  if (view.tls.length > 0) {
    listener.listenerFilters = [buildTlsInspector()];
    listener.listenerFiltersTimeout = durationFromMs(0);
    listener.continueOnListenerFiltersTimeout = true;
  }
  listener.filterChains = [
    ...view.tls.map((chain) => tcpChain(chain, mesh)),
    ...(view.http ? [httpChain(view.port, mesh, view.tls.length > 0)] : []),
    ...(!view.http && view.tcp !== undefined ? [tcpChain(view.tcp, mesh)] : []),
  ];
  if (view.tls.length > 0 && (view.http || view.tcp === undefined)) {
    listener.defaultFilterChain = buildUnknownDestinationChain("PassthroughFilterChain", mesh);
  }
  return listener;
}

/** @param besideTls the listener has TLS chains too, so this one must take plaintext only */
function httpChain(port: number, mesh: MeshSettings, besideTls: boolean): FilterChain {
  return create(FilterChainSchema, {
    name: `0.0.0.0_${port}`,
    ...(besideTls ? { filterChainMatch: { transportProtocol: "raw_buffer" } } : {}),
    filters: [
      buildHttpConnectionManager(
        {
          statPrefix: `outbound_0.0.0.0_${port};`,
          routes: { rds: String(port) },
          filters: [buildPeerHeaderFilter()],
          accessLog: [buildHttpStatsLogger(sourceTags(), "http"), ...buildFileAccessLog(mesh)],
          inbound: false,
        },
        mesh,
      ),
    ],
  });
}

function tcpChain(chain: TcpChain, mesh: MeshSettings): FilterChain {
  return create(FilterChainSchema, {
    name: chain.host,
    ...(chain.serverNames.length > 0
      ? { filterChainMatch: { transportProtocol: "tls", serverNames: [...chain.serverNames] } }
      : {}),
    filters: [
      buildTcpProxy({
        statPrefix: chain.destinations.length === 1 ? (chain.destinations[0]?.cluster ?? chain.host) : chain.host,
        destinations: chain.destinations,
        accessLog: [...buildTcpStatsLoggers(sourceTags()), ...buildFileAccessLog(mesh)],
        afterHandshake: false,
      }),
    ],
  });
}
