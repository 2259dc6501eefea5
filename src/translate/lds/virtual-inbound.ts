// WorkloadGroup.spec.template.ports, ServiceEntry.spec.workloadSelector, MeshConfig.proxyInboundListenPort → envoy.config.listener.v3.Listener virtualInbound

import { create } from "@bufbuild/protobuf";
import { TrafficDirection } from "../../../gen/envoy/config/core/v3/base_pb.ts";
import {
  type FilterChain,
  FilterChainSchema,
  type ListenerFilter,
} from "../../../gen/envoy/config/listener/v3/listener_components_pb.ts";
import { type Listener, ListenerSchema } from "../../../gen/envoy/config/listener/v3/listener_pb.ts";
import { GrpcWebSchema } from "../../../gen/envoy/extensions/filters/http/grpc_web/v3/grpc_web_pb.ts";
import { inboundClusterName, inboundPassthroughCluster } from "../../model/cluster-name.ts";
import type { InboundPort, InboundView } from "../../model/inbound-view.ts";
import type { MeshSettings } from "../../model/mesh-settings.ts";
import { isGrpc, isHttp } from "../../model/protocol.ts";
import { socketAddress } from "../address.ts";
import { durationFromMs } from "../duration.ts";
import { buildHttpAuthorization, buildTcpAuthorization } from "../rbac/authorization-filter.ts";
import { buildInboundRoutes } from "../rds/inbound-routes.ts";
import { buildFileAccessLog } from "../telemetry/access-log.ts";
import { destinationTags, type Security } from "../telemetry/labels.ts";
import { buildPeerHeaderRemoval, buildPeerMetadataFilter } from "../telemetry/peer-header.ts";
import { buildPeerNamespaceFilter } from "../telemetry/peer-namespace.ts";
import { buildHttpStatsLogger, buildTcpStatsLoggers } from "../telemetry/stats-logger.ts";
import { buildDownstreamTls } from "../tls/downstream-tls.ts";
import { blackHoleChain } from "./black-hole-chain.ts";
import { buildHttpConnectionManager } from "./http-connection-manager.ts";
import { buildHttpFilter } from "./http-filter.ts";
import { type ChainMatch, chainMatches, looksForTls } from "./inbound-chain-match.ts";
import { buildOriginalDst, buildTlsInspector } from "./listener-filter.ts";
import { buildTcpProxy } from "./tcp-proxy.ts";

export const virtualInboundName = "virtualInbound";

export function buildVirtualInbound(view: InboundView, mesh: MeshSettings): Listener {
  return create(ListenerSchema, {
    name: virtualInboundName,
    address: socketAddress("0.0.0.0", mesh.proxyInboundListenPort),
    additionalAddresses: view.workload.ipv6 ? [{ address: socketAddress("::", mesh.proxyInboundListenPort) }] : [],
    trafficDirection: TrafficDirection.INBOUND,
    useOriginalDst: false,
    listenerFilters: [buildOriginalDst(), ...inspectors(view)],
    listenerFiltersTimeout: durationFromMs(0),
    continueOnListenerFiltersTimeout: true,
    filterChains: [
      blackHoleChain("virtualInbound-blackhole", mesh.proxyInboundListenPort),
      ...view.ports.flatMap((port) =>
        chainMatches(port.mode, isHttp(port.protocol)).map((match) => portChain(view, port, match, mesh)),
      ),
      ...view.otherPorts.flatMap(({ port, mode }) =>
        chainMatches(mode, false).map((match) => otherChain(view, port, match, mesh)),
      ),
      ...chainMatches(view.otherMode, false).map((match) => otherChain(view, undefined, match, mesh)),
    ],
  });
}

function portChain(view: InboundView, port: InboundPort, match: ChainMatch, mesh: MeshSettings): FilterChain {
  const name = `0.0.0.0_${port.port}`;
  const http = isHttp(port.protocol) && !match.opaque;
  return chain(
    name,
    port.port,
    match,
    mesh,
    http ? httpFilters(view, port, match, mesh) : tcpFilters(view, port, match, mesh),
  );
}

/** The TLS inspector, where some port needs it, switched off for those that must not wait for it. */
function inspectors(view: InboundView): ListenerFilter[] {
  const named = [
    ...view.ports.map(({ port, mode, protocol }) => ({ port, looks: looksForTls(mode, isHttp(protocol)) })),
    ...view.otherPorts.map(({ port, mode }) => ({ port, looks: looksForTls(mode, false) })),
  ];
  const othersLook = looksForTls(view.otherMode, false);
  const exceptions = named.filter(({ looks }) => looks !== othersLook).map(({ port }) => port);
  if (!othersLook && exceptions.length === 0) return [];
  return [buildTlsInspector(othersLook ? { except: exceptions } : { only: exceptions })];
}

/** Ports that no service names: their bytes pass, under the workload's mode and policies. */
function otherChain(view: InboundView, port: number | undefined, match: ChainMatch, mesh: MeshSettings): FilterChain {
  return chain(virtualInboundName, port, match, mesh, tcpFilters(view, undefined, match, mesh));
}

function chain(
  name: string,
  destinationPort: number | undefined,
  match: ChainMatch,
  mesh: MeshSettings,
  filters: FilterChain["filters"],
): FilterChain {
  return create(FilterChainSchema, {
    name,
    filterChainMatch: {
      ...(destinationPort === undefined ? {} : { destinationPort }),
      transportProtocol: match.transportProtocol,
      applicationProtocols: [...match.applicationProtocols],
    },
    filters: match.terminatesTls ? [buildPeerNamespaceFilter(), ...filters] : filters,
    ...(match.terminatesTls ? { transportSocket: buildDownstreamTls(mesh) } : {}),
  });
}

function httpFilters(
  view: InboundView,
  port: InboundPort,
  match: ChainMatch,
  mesh: MeshSettings,
): FilterChain["filters"] {
  const tags = destinationTags(view.workload, port, security(match), true);
  return [
    buildHttpConnectionManager(
      {
        statPrefix: `inbound_0.0.0.0_${port.port};`,
        routes: { inline: buildInboundRoutes(port) },
        filters: [
          match.terminatesTls ? buildPeerMetadataFilter() : buildPeerHeaderRemoval(),
          ...buildHttpAuthorization(view.authorization, mesh),
          ...(port.protocol === "grpc-web" ? [buildHttpFilter("envoy.filters.http.grpc_web", GrpcWebSchema, {})] : []),
        ],
        accessLog: [
          buildHttpStatsLogger(tags, isGrpc(port.protocol) ? "grpc" : "http"),
          ...buildFileAccessLog(mesh, "http"),
        ],
        inbound: true,
      },
      mesh,
    ),
  ];
}

function tcpFilters(
  view: InboundView,
  port: InboundPort | undefined,
  match: ChainMatch,
  mesh: MeshSettings,
): FilterChain["filters"] {
  const cluster = port === undefined ? inboundPassthroughCluster : inboundClusterName(port.port);
  return [
    ...buildTcpAuthorization(view.authorization, mesh),
    buildTcpProxy({
      statPrefix: cluster,
      destinations: [{ cluster, weight: 100 }],
      accessLog: [
        ...buildTcpStatsLoggers(destinationTags(view.workload, port, security(match), false)),
        ...buildFileAccessLog(mesh, "tcp"),
      ],
      afterHandshake: match.terminatesTls,
    }),
  ];
}

function security(match: ChainMatch): Security {
  return match.terminatesTls ? "mutual_tls" : "none";
}
