// Which transport socket an endpoint gets (Cluster.transport_socket_matches).
import type { JsonValue } from "@bufbuild/protobuf";
import type { Cluster } from "../../../gen/envoy/config/cluster/v3/cluster_pb.ts";
import type { Metadata } from "../../../gen/envoy/config/core/v3/base_pb.ts";
import { sameData } from "../../kernel/equal.ts";
import { readUpstreamTransport, type Transport } from "./tls-client.ts";

/** Metadata of endpoints that matches are compared with. */
const matchNamespace = "envoy.transport_socket_match";

/** The first match whose values the endpoint's metadata has, else the cluster's own socket, else plaintext. */
export function selectTransport(cluster: Cluster, metadata: Metadata | undefined): Transport {
  const actual: Readonly<Record<string, JsonValue>> = metadata?.filterMetadata[matchNamespace] ?? {};
  const found = cluster.transportSocketMatches.find(({ match }) =>
    Object.entries(match ?? {}).every(([key, value]) => sameData(actual[key], value)),
  );
  return readUpstreamTransport(found === undefined ? cluster.transportSocket : found.transportSocket);
}
