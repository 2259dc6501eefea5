// ServiceEntry.spec.ports[].protocol, DestinationRule.spec.trafficPolicy.connectionPool.http.idleTimeout, DestinationRule.spec.trafficPolicy.connectionPool.http.maxRequestsPerConnection, DestinationRule.spec.trafficPolicy.connectionPool.http.h2UpgradePolicy, DestinationRule.spec.trafficPolicy.connectionPool.http.useClientProtocol, DestinationRule.spec.trafficPolicy.connectionPool.http.maxConcurrentStreams, DestinationRule.spec.trafficPolicy.connectionPool.http.http2KeepAlive, DestinationRule.spec.trafficPolicy.connectionPool.tcp.maxConnectionDuration → envoy.extensions.upstreams.http.v3.HttpProtocolOptions

import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import { UpstreamCodecSchema } from "../../../gen/envoy/extensions/filters/http/upstream_codec/v3/upstream_codec_pb.ts";
import type { HttpFilter } from "../../../gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts";
import { HttpProtocolOptionsSchema } from "../../../gen/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.ts";
import type { ConnectionPool } from "../../config/destination-rule/connection-pool.ts";
import type { ClusterTls, ClusterView } from "../../model/cluster-view.ts";
import { isHttp } from "../../model/protocol.ts";
import { packAny } from "../any.ts";
import { durationFrom, durationFromMs } from "../duration.ts";
import { buildHttpFilter } from "../lds/http-filter.ts";
import { buildPeerHeaderRemoval } from "../telemetry/peer-header.ts";

/** Key of the options in `typed_extension_protocol_options`. */
export const httpProtocolOptionsKey = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

/** Envoy wants a time for the answer to a PING wherever PINGs are sent. */
const defaultPingTimeoutMs = 20_000;

/** Undefined where Envoy's defaults (HTTP/1.1, no limits) say the same. */
export function buildHttpProtocolOptions({ http2, policy, tls, protocol, external }: ClusterView): Any | undefined {
  const pool = policy.connectionPool;
  const http = pool?.http;
  const idleTimeout = durationFrom(http?.idleTimeout);
  const maxConnectionDuration = durationFrom(pool?.tcp?.maxConnectionDuration);
  const common = {
    ...(idleTimeout === undefined ? {} : { idleTimeout }),
    ...(maxConnectionDuration === undefined ? {} : { maxConnectionDuration }),
    ...(positive(http?.maxRequestsPerConnection) ? { maxRequestsPerConnection: http?.maxRequestsPerConnection } : {}),
  };
  const useClientProtocol = http?.useClientProtocol === true && isHttp(protocol);
  const names = isHttp(protocol) ? requestNames(tls) : undefined;
  // Whatever the port says: a route may send plain HTTP to an HTTPS port, for the cluster to speak TLS. Others never look.
  const httpFilters = external ? outsideFilters() : [];
  const isDefault = !http2 && !useClientProtocol && names === undefined && Object.keys(common).length === 0;
  if (isDefault && httpFilters.length === 0) return undefined;
  return packAny(HttpProtocolOptionsSchema, {
    commonHttpProtocolOptions: common,
    upstreamProtocolOptions: upstreamProtocol(http2, useClientProtocol, http2Options(http)),
    ...(names === undefined ? {} : { upstreamHttpProtocolOptions: names }),
    httpFilters,
  } as MessageInitShape<typeof HttpProtocolOptionsSchema>);
}

/** HTTP/1.1 or HTTP/2, as the client speaks: for the cluster of all that the mesh does not know. */
export function buildClientProtocolOptions(): Any {
  return packAny(HttpProtocolOptionsSchema, {
    upstreamProtocolOptions: upstreamProtocol(false, true, {}),
    httpFilters: outsideFilters(),
  });
}

/** What is done to requests that leave the mesh; on the cluster, so that no route and no mirror goes around it. */
function outsideFilters(): HttpFilter[] {
  return [
    buildPeerHeaderRemoval(),
    // Envoy asks for it at the end of every list.
    buildHttpFilter("envoy.filters.http.upstream_codec", UpstreamCodecSchema, {}),
  ];
}

/** HTTP/2, whatever the client speaks. */
export function buildHttp2ProtocolOptions(): Any {
  return packAny(HttpProtocolOptionsSchema, { upstreamProtocolOptions: upstreamProtocol(true, false, {}) });
}

/** TLS to a wildcard host: the server name is that of each request, and the certificate must hold it. */
function requestNames(tls: ClusterTls): { autoSni: boolean; autoSanValidation: boolean } | undefined {
  if ((tls.mode !== "simple" && tls.mode !== "mutual") || tls.sni !== undefined) return undefined;
  return { autoSni: true, autoSanValidation: !tls.insecureSkipVerify && tls.sans.length === 0 };
}

function http2Options(http: NonNullable<ConnectionPool["http"]> | undefined): object {
  const interval = durationFrom(http?.http2KeepAlive?.interval);
  const timeout = durationFrom(http?.http2KeepAlive?.timeout);
  return {
    ...(positive(http?.maxConcurrentStreams) ? { maxConcurrentStreams: http?.maxConcurrentStreams } : {}),
    ...(interval === undefined && timeout === undefined
      ? {}
      : {
          connectionKeepalive: {
            ...(interval === undefined ? {} : { interval }),
            timeout: timeout ?? durationFromMs(defaultPingTimeoutMs),
          },
        }),
  };
}

function upstreamProtocol(http2: boolean, useClientProtocol: boolean, options: object) {
  if (useClientProtocol) {
    return {
      case: "useDownstreamProtocolConfig",
      value: { httpProtocolOptions: {}, http2ProtocolOptions: options },
    } as const;
  }
  return {
    case: "explicitHttpConfig",
    value: {
      protocolConfig: http2
        ? ({ case: "http2ProtocolOptions", value: options } as const)
        : ({ case: "httpProtocolOptions", value: {} } as const),
    },
  } as const;
}

function positive(value: number | undefined): boolean {
  return value !== undefined && value > 0;
}
