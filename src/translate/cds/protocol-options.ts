// ServiceEntry.spec.ports[].protocol, DestinationRule.spec.trafficPolicy.connectionPool.http → envoy.extensions.upstreams.http.v3.HttpProtocolOptions

import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import {
  type HttpProtocolOptions,
  HttpProtocolOptionsSchema,
} from "../../../gen/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.ts";
import type { ConnectionPool } from "../../config/destination-rule/connection-pool.ts";
import { packAny } from "../any.ts";
import { durationFrom } from "../duration.ts";

/** Key of the options in `typed_extension_protocol_options`. */
export const httpProtocolOptionsKey = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

export type { HttpProtocolOptions };

/** Undefined where Envoy's defaults (HTTP/1.1, no limits) say the same. */
export function buildHttpProtocolOptions(http2: boolean, pool: ConnectionPool | undefined): Any | undefined {
  const http = pool?.http;
  const idleTimeout = durationFrom(http?.idleTimeout);
  const maxConnectionDuration = durationFrom(pool?.tcp?.maxConnectionDuration);
  const common = {
    ...(idleTimeout === undefined ? {} : { idleTimeout }),
    ...(maxConnectionDuration === undefined ? {} : { maxConnectionDuration }),
    ...(positive(http?.maxRequestsPerConnection) ? { maxRequestsPerConnection: http?.maxRequestsPerConnection } : {}),
  };
  const http2Options = positive(http?.maxConcurrentStreams) ? { maxConcurrentStreams: http?.maxConcurrentStreams } : {};
  if (!http2 && http?.useClientProtocol !== true && Object.keys(common).length === 0) return undefined;
  return packAny(HttpProtocolOptionsSchema, {
    commonHttpProtocolOptions: common,
    upstreamProtocolOptions: upstreamProtocol(http2, http?.useClientProtocol === true, http2Options),
  } as MessageInitShape<typeof HttpProtocolOptionsSchema>);
}

function upstreamProtocol(http2: boolean, useClientProtocol: boolean, http2Options: object) {
  if (useClientProtocol) {
    return {
      case: "useDownstreamProtocolConfig",
      value: { httpProtocolOptions: {}, http2ProtocolOptions: http2Options },
    } as const;
  }
  return {
    case: "explicitHttpConfig",
    value: {
      protocolConfig: http2
        ? ({ case: "http2ProtocolOptions", value: http2Options } as const)
        : ({ case: "httpProtocolOptions", value: {} } as const),
    },
  } as const;
}

function positive(value: number | undefined): boolean {
  return value !== undefined && value > 0;
}
