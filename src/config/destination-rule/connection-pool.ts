// ConnectionPoolSettings: limits on connections and requests to a service
// (istio.networking.v1alpha3.ConnectionPoolSettings). Sidecar uses them for inbound traffic.
import { duration } from "../duration.ts";
import { bool, integer, object, oneOfStrings, type Rule, type SpecOf } from "../schema.ts";
import { notBlank, notNegative, notNegativeDuration } from "./bounds.ts";

const limit = (description: string, rules: readonly Rule<number>[] = [notNegative]) =>
  integer("int32", { description, rules: [...rules] });

const tcpKeepalive = object(
  {
    probes: integer("uint32", {
      description: "Unanswered probes after which the connection is dead; the system's default where absent.",
    }),
    time: duration({
      description: "Idle time before the first probe; the system's default where absent.",
      positive: true,
    }),
    interval: duration({ description: "Time between probes; the system's default where absent.", positive: true }),
  },
  { description: "Switches SO_KEEPALIVE on and sets its times." },
);

const tcp = object(
  {
    maxConnections: limit("Most connections to the service; 2^32-1 where absent or 0."),
    connectTimeout: duration({
      description: "Time limit for a TCP connection to open.",
      default: "10s",
      positive: true,
    }),
    tcpKeepalive,
    maxConnectionDuration: duration({
      description: "Longest life of a connection; without limit where absent.",
      positive: true,
    }),
    idleTimeout: duration({
      description: "Time without bytes after which a TCP connection is closed; 0s switches it off.",
      default: "1h",
      rules: [notNegativeDuration],
    }),
  },
  { description: "Limits for connections, also those that carry HTTP." },
);

const http2KeepAlive = object(
  {
    interval: duration({ description: "Time between HTTP/2 PING frames.", positive: true }),
    timeout: duration({
      description: "Wait for the answer to a PING before the connection is closed.",
      positive: true,
    }),
  },
  { description: "HTTP/2 PING frames that find dead connections." },
);

const noClientProtocolWithUpgrade: Rule<{ h2UpgradePolicy?: string; useClientProtocol?: boolean }> = {
  message: "cannot be true while h2UpgradePolicy is UPGRADE",
  at: "useClientProtocol",
  test: (http) => !(http.h2UpgradePolicy === "UPGRADE" && http.useClientProtocol === true),
};

const http = object(
  {
    http1MaxPendingRequests: limit("Most requests that wait for a connection; 2^32-1 where absent or 0."),
    http2MaxRequests: limit("Most requests in flight to the service, of HTTP/1.1 too; 2^32-1 where absent or 0."),
    maxRequestsPerConnection: limit("Most requests on one connection; 1 switches keep-alive off, 0 sets no limit."),
    maxRetries: limit("Most retries in flight to the service; 2^32-1 where absent or 0."),
    idleTimeout: duration({
      description: "Time without requests after which a connection is closed.",
      default: "1h",
      positive: true,
    }),
    h2UpgradePolicy: oneOfStrings(["DEFAULT", "DO_NOT_UPGRADE", "UPGRADE"], {
      description:
        "Whether HTTP/1.1 goes to the service as HTTP/2: UPGRADE, DO_NOT_UPGRADE, or DEFAULT for what the mesh configuration says.",
      default: "DEFAULT",
    }),
    useClientProtocol: bool({
      description: "True keeps the protocol of the client; h2UpgradePolicy has no effect then.",
      default: false,
    }),
    maxConcurrentStreams: limit("Most streams at once on one HTTP/2 connection; 2^31-1 where absent or 0."),
    http2KeepAlive,
  },
  { description: "Limits for HTTP.", rules: [noClientProtocolWithUpgrade] },
);

export function connectionPool(description: string) {
  return object({ tcp, http }, { description, rules: [notBlank] });
}

export type ConnectionPool = SpecOf<ReturnType<typeof connectionPool>>;
