// envoy.extensions.upstreams.http.v3.HttpProtocolOptions: which HTTP a proxy speaks to endpoints.
import type { Cluster } from "../../../gen/envoy/config/cluster/v3/cluster_pb.ts";
import { HttpProtocolOptionsSchema } from "../../../gen/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.ts";
import { simulateErrors } from "../errors.ts";
import { unpackAs } from "../known-fields.ts";

export type HttpVersion = "HTTP/1.1" | "HTTP/2" | "as the client";

const optionsKey = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

export function httpVersionOf(cluster: Cluster): HttpVersion {
  const any = cluster.typedExtensionProtocolOptions[optionsKey];
  if (any === undefined) return "HTTP/1.1";
  const { upstreamProtocolOptions: options } = unpackAs(HttpProtocolOptionsSchema, any, cluster.name);
  if (options.case === "useDownstreamProtocolConfig") return "as the client";
  if (options.case === "explicitHttpConfig") {
    const protocol = options.value.protocolConfig.case;
    if (protocol === "httpProtocolOptions") return "HTTP/1.1";
    if (protocol === "http2ProtocolOptions") return "HTTP/2";
  }
  throw simulateErrors.cannotSimulate(`cannot simulate the HTTP options of cluster ${cluster.name}`);
}
