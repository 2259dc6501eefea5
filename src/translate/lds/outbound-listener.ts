// ServiceEntry.spec.ports[].number, ServiceEntry.spec.ports[].name, ServiceEntry.spec.ports[].protocol, ServiceEntry.spec.addresses → envoy.config.listener.v3.Listener
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { TrafficDirection } from "../../../gen/envoy/config/core/v3/base_pb.ts";
import {
  type FilterChain,
  type FilterChainMatchSchema,
  FilterChainSchema,
} from "../../../gen/envoy/config/listener/v3/listener_components_pb.ts";
import { type Listener, ListenerSchema } from "../../../gen/envoy/config/listener/v3/listener_pb.ts";
import type { MeshSettings } from "../../model/mesh-settings.ts";
import type { OutboundListenerView } from "../../model/outbound-listener-view.ts";
import { type TcpChain, type TcpMatch, takesEverything } from "../../model/tcp-chain.ts";
import { socketAddress } from "../address.ts";
import { buildCidrRange } from "../cidr-range.ts";
import { durationFromMs } from "../duration.ts";
import { buildFileAccessLog } from "../telemetry/access-log.ts";
import { buildPeerHeaderFilter } from "../telemetry/peer-header.ts";
import { sourceHttpLogger, sourceTcpLoggers } from "../telemetry/source-loggers.ts";
import { buildHttpConnectionManager } from "./http-connection-manager.ts";
import { buildTlsInspector } from "./listener-filter.ts";
import { buildTcpProxy } from "./tcp-proxy.ts";
import { buildUnknownDestinationChain } from "./virtual-outbound.ts";

/** A listener without a socket of its own: virtualOutbound hands connections to it by their original destination. */
export function buildOutboundListener(view: OutboundListenerView, mesh: MeshSettings): Listener {
  const address = view.kind === "address" ? view.address : "0.0.0.0";
  const tls = view.chains.some(({ match }) => match.serverNames.length > 0);
  const http = view.kind === "wildcard" && view.http;
  const listener = create(ListenerSchema, {
    name: `${address}_${view.port}`,
    address: socketAddress(address, view.port),
    additionalAddresses: view.kind === "wildcard" && view.ipv6 ? [{ address: socketAddress("::", view.port) }] : [],
    trafficDirection: TrafficDirection.OUTBOUND,
    bindToPort: false,
    filterChains: [
      ...view.chains.map((chain) => tcpChain(chain, mesh)),
      ...(http ? [httpChain(view.port, mesh, tls, [])] : []),
      ...(http && view.httpBlocks.length > 0 ? [httpChain(view.port, mesh, tls, view.httpBlocks)] : []),
    ],
  });
  if (tls) {
    listener.listenerFilters = [buildTlsInspector()];
    listener.listenerFiltersTimeout = durationFromMs(0);
    listener.continueOnListenerFiltersTimeout = true;
  }
  const complete = http ? !tls : view.chains.some(takesEverything);
  // What comes to an address of the service is for the service; elsewhere on the port it may be for anybody.
  if (view.kind === "wildcard" && !complete) {
    listener.defaultFilterChain = buildUnknownDestinationChain("PassthroughFilterChain", mesh);
  }
  return listener;
}

/**
 * @param besideTls the listener has TLS chains too, so this one must take plaintext only
 * @param blocks CIDR blocks that other chains would take with theirs, for Envoy goes by destination first; empty for any place
 */
function httpChain(port: number, mesh: MeshSettings, besideTls: boolean, blocks: readonly string[]): FilterChain {
  const match = {
    ...(besideTls ? { transportProtocol: "raw_buffer" } : {}),
    ...(blocks.length === 0 ? {} : { prefixRanges: blocks.map(buildCidrRange) }),
  };
  return create(FilterChainSchema, {
    name: `0.0.0.0_${port}`,
    ...(Object.keys(match).length === 0 ? {} : { filterChainMatch: match }),
    filters: [
      buildHttpConnectionManager(
        {
          statPrefix: `outbound_0.0.0.0_${port};`,
          routes: { rds: String(port) },
          filters: [buildPeerHeaderFilter()],
          accessLog: [sourceHttpLogger(), ...buildFileAccessLog(mesh, "http")],
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
    ...(takesEverything(chain) ? {} : { filterChainMatch: chainMatch(chain.match) }),
    filters: [
      buildTcpProxy({
        statPrefix: chain.destinations.length === 1 ? (chain.destinations[0]?.cluster ?? chain.host) : chain.host,
        destinations: chain.destinations,
        accessLog: [...sourceTcpLoggers(), ...buildFileAccessLog(mesh, "tcp")],
        afterHandshake: false,
        ...(chain.idleTimeout === undefined ? {} : { idleTimeout: chain.idleTimeout }),
      }),
    ],
  });
}

/** VirtualService.spec.tls[].match.sniHosts, VirtualService.spec.tcp[].match.destinationSubnets, VirtualService.spec.tcp[].match.sourceSubnet */
function chainMatch({ serverNames, destinations, sources }: TcpMatch): MessageInitShape<typeof FilterChainMatchSchema> {
  return {
    ...(serverNames.length > 0 ? { transportProtocol: "tls", serverNames: [...serverNames] } : {}),
    prefixRanges: destinations.map(buildCidrRange),
    sourcePrefixRanges: sources.map(buildCidrRange),
  };
}
