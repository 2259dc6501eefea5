// The protocol of a port, as Istio reads it from the port's protocol or name.

export type Protocol = "http" | "http2" | "grpc" | "grpc-web" | "https" | "tls" | "tcp" | "mongo";

const spellings: Record<string, Protocol> = {
  http: "http",
  http1: "http",
  http2: "http2",
  h2c: "http2",
  grpc: "grpc",
  "grpc-web": "grpc-web",
  https: "https",
  tls: "tls",
  tcp: "tcp",
  mongo: "mongo",
  mysql: "tcp",
  redis: "tcp",
};

/**
 * ServiceEntry.spec.ports[].protocol, else the prefix of the name (`http-web`). A port that says neither is taken as TCP:
 * its bytes pass unchanged.
 */
export function portProtocol(port: { name: string; protocol?: string }): Protocol {
  const stated = spellings[(port.protocol ?? "").toLowerCase()];
  if (stated !== undefined) return stated;
  const name = port.name.toLowerCase();
  if (name.startsWith("grpc-web")) return "grpc-web";
  return spellings[name.split("-")[0] ?? ""] ?? "tcp";
}

/** True where Envoy's HTTP connection manager handles the port in plaintext. */
export function isHttp(protocol: Protocol): boolean {
  return protocol === "http" || protocol === "http2" || protocol === "grpc" || protocol === "grpc-web";
}

/** True where upstream connections speak HTTP/2. */
export function isHttp2(protocol: Protocol): boolean {
  return protocol === "http2" || isGrpc(protocol);
}

/** True where requests are gRPC calls, which may stream. */
export function isGrpc(protocol: Protocol): boolean {
  return protocol === "grpc" || protocol === "grpc-web";
}

/** True where the application itself speaks TLS, so that only SNI can be read. */
export function isOpaqueTls(protocol: Protocol): boolean {
  return protocol === "https" || protocol === "tls";
}
