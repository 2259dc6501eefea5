// ServiceEntry.spec.ports[].protocol, DestinationRule.spec.trafficPolicy.connectionPool.http.idleTimeout, DestinationRule.spec.trafficPolicy.connectionPool.http.maxRequestsPerConnection, DestinationRule.spec.trafficPolicy.connectionPool.http.h2UpgradePolicy, DestinationRule.spec.trafficPolicy.connectionPool.http.useClientProtocol, DestinationRule.spec.trafficPolicy.connectionPool.http.maxConcurrentStreams, DestinationRule.spec.trafficPolicy.connectionPool.http.http2KeepAlive, DestinationRule.spec.trafficPolicy.connectionPool.tcp.maxConnectionDuration → envoy.extensions.upstreams.http.v3.HttpProtocolOptions

import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import { HttpProtocolOptionsSchema } from "../../../gen/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.ts";
import type { ConnectionPool } from "../../config/destination-rule/connection-pool.ts";
import type { ClusterTls, ClusterView } from "../../model/cluster-view.ts";
import { isHttp } from "../../model/protocol.ts";
import { packAny } from "../any.ts";
import { durationFrom, durationFromMs } from "../duration.ts";

/** Key of the options in `typed_extension_protocol_options`. */
export const httpProtocolOptionsKey = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

/** Envoy wants a time for the answer to a PING wherever PINGs are sent. */
const defaultPingTimeoutMs = 20_000;

/** Undefined where Envoy's defaults (HTTP/1.1, no limits) say the same. */
export function buildHttpProtocolOptions({ http2, policy, tls, protocol }: ClusterView): Any | undefined {
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
  if (!http2 && !useClientProtocol && names === undefined && Object.keys(common).length === 0) return undefined;
  return packAny(HttpProtocolOptionsSchema, {
    commonHttpProtocolOptions: common,
    upstreamProtocolOptions: upstreamProtocol(http2, useClientProtocol, http2Options(http)),
    ...(names === undefined ? {} : { upstreamHttpProtocolOptions: names }),
  } as MessageInitShape<typeof HttpProtocolOptionsSchema>);
}

/** HTTP/1.1 or HTTP/2, as the client speaks: for clusters of which nothing is known. */
export function buildClientProtocolOptions(): Any {
  return packAny(HttpProtocolOptionsSchema, { upstreamProtocolOptions: upstreamProtocol(false, true, {}) });
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
