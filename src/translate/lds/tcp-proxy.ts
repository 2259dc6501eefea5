// VirtualService.spec.tcp[].route, VirtualService.spec.tls[].route, DestinationRule.spec.trafficPolicy.connectionPool.tcp.idleTimeout → envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy
import { create } from "@bufbuild/protobuf";
import type { AccessLog } from "../../../gen/envoy/config/accesslog/v3/accesslog_pb.ts";
import type { Filter } from "../../../gen/envoy/config/listener/v3/listener_components_pb.ts";
import {
  type TcpProxy,
  TcpProxySchema,
  UpstreamConnectMode,
} from "../../../gen/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.ts";
import type { TcpDestination } from "../../model/tcp-chain.ts";
import { durationFrom } from "../duration.ts";
import { buildNetworkFilter } from "./network-filter.ts";

export interface TcpProxyOptions {
  statPrefix: string;
  destinations: readonly TcpDestination[];
  accessLog: AccessLog[];
  /**
   * The connection to the application is opened only after the handshake, so that a caller who is refused never reaches
   * it, and the opened connection is counted under the caller's principal.
   */
  afterHandshake: boolean;
  /** DestinationRule.spec.trafficPolicy.connectionPool.tcp.idleTimeout; 0s switches it off. */
  idleTimeout?: string;
}

export function buildTcpProxy(options: TcpProxyOptions): Filter {
  const [only] = options.destinations;
  const proxy: TcpProxy = create(TcpProxySchema, {
    statPrefix: options.statPrefix,
    accessLog: options.accessLog,
    accessLogOptions: { flushAccessLogOnConnected: true },
    clusterSpecifier:
      only !== undefined && options.destinations.length === 1
        ? { case: "cluster", value: only.cluster }
        : {
            case: "weightedClusters",
            value: { clusters: options.destinations.map(({ cluster, weight }) => ({ name: cluster, weight })) },
          },
  });
  proxy.idleTimeout = durationFrom(options.idleTimeout);
  if (options.afterHandshake) {
    proxy.upstreamConnectMode = UpstreamConnectMode.ON_DOWNSTREAM_TLS_HANDSHAKE;
    proxy.maxEarlyDataBytes = 0;
  }
  return buildNetworkFilter("envoy.filters.network.tcp_proxy", TcpProxySchema, proxy);
}
