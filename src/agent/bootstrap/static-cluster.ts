// envoy.config.cluster.v3.Cluster for the bootstrap: peers on this machine.
import type { JsonObject } from "@bufbuild/protobuf";

const httpProtocolOptions = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

/** A gRPC server on a Unix socket. */
export function grpcSocketCluster(name: string, path: string): JsonObject {
  return {
    ...localCluster(name, { pipe: { path } }),
    typedExtensionProtocolOptions: {
      [httpProtocolOptions]: {
        "@type": `type.googleapis.com/${httpProtocolOptions}`,
        explicitHttpConfig: { http2ProtocolOptions: {} },
      },
    },
    // One long stream: Envoy's defaults are for many requests.
    circuitBreakers: {
      thresholds: ["DEFAULT", "HIGH"].map((priority) => ({
        priority,
        maxConnections: 100_000,
        maxPendingRequests: 100_000,
        maxRequests: 100_000,
      })),
    },
  };
}

/** An HTTP/1 server on a port of this machine. */
export function loopbackCluster(name: string, port: number): JsonObject {
  return localCluster(name, { socketAddress: { address: "127.0.0.1", portValue: port } });
}

function localCluster(name: string, address: JsonObject): JsonObject {
  return {
    name,
    type: "STATIC",
    connectTimeout: "1s",
    loadAssignment: { clusterName: name, endpoints: [{ lbEndpoints: [{ endpoint: { address } }] }] },
  };
}
