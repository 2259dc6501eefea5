// Random DestinationRules.
import fc from "fast-check";
import {
  callerLabels,
  exportTo,
  host,
  labels,
  maybe,
  portNumber,
  rarely,
  some,
  versions,
} from "./random-names.fake.ts";

/** Every way of choosing an endpoint; some change how clusters find them, others are put on routes. */
const loadBalancer = some<object>(
  { simple: "ROUND_ROBIN" },
  { simple: "PASSTHROUGH" },
  { simple: "RANDOM" },
  { simple: "UNSPECIFIED" },
  { simple: "LEAST_CONN" },
  { simple: "LEAST_REQUEST", warmup: { duration: "60s", minimumPercent: 20, aggression: 1.5 } },
  { consistentHash: { httpHeaderName: "x-user", ringHash: { minimumRingSize: 2048 } } },
  {
    consistentHash: {
      httpCookie: { name: "session", path: "/a", ttl: "60s", attributes: [{ name: "SameSite", value: "Strict" }] },
      maglev: { tableSize: 65537 },
    },
  },
  { consistentHash: { useSourceIp: true, minimumRingSize: 4096 } },
  { consistentHash: { httpQueryParameterName: "user" } },
);
const connectionPool = some<object>(
  { tcp: { maxConnections: 100, connectTimeout: "2s", maxConnectionDuration: "1h", idleTimeout: "30m" } },
  { tcp: { tcpKeepalive: { probes: 3, time: "60s", interval: "10s" } } },
  {
    http: {
      http1MaxPendingRequests: 10,
      http2MaxRequests: 200,
      maxRequestsPerConnection: 50,
      maxRetries: 3,
      idleTimeout: "5m",
      maxConcurrentStreams: 64,
      http2KeepAlive: { interval: "30s", timeout: "5s" },
    },
  },
  { http: { h2UpgradePolicy: "UPGRADE" } },
  { http: { h2UpgradePolicy: "DO_NOT_UPGRADE" } },
  { http: { h2UpgradePolicy: "DEFAULT", useClientProtocol: true } },
);
const outlierDetection = some<object>(
  {
    splitExternalLocalOriginErrors: true,
    consecutiveLocalOriginFailures: 4,
    consecutiveGatewayErrors: 3,
    consecutive5xxErrors: 7,
    interval: "5s",
    baseEjectionTime: "15s",
    maxEjectionPercent: 40,
    minHealthPercent: 25,
  },
  { consecutiveErrors: 2 },
);
const tls = some<object>(
  { mode: "DISABLE" },
  { mode: "ISTIO_MUTUAL" },
  { mode: "ISTIO_MUTUAL", sni: "web.example", subjectAltNames: ["spiffe://cluster.local/ns/shop/sa/web"] },
  { mode: "SIMPLE", sni: "secure.example", caCertificates: "/etc/lateen/ca.pem" },
  { mode: "SIMPLE", insecureSkipVerify: true },
  { mode: "MUTUAL", clientCertificate: "/etc/lateen/cert.pem", privateKey: "/etc/lateen/key.pem" },
);
const parts = {
  loadBalancer: maybe(loadBalancer),
  connectionPool: rarely(connectionPool),
  outlierDetection: rarely(outlierDetection),
  tls: maybe(tls),
};

/** A policy that says something. */
const settings = fc
  .record(parts)
  .map((policy) =>
    Object.values(policy).some((part) => part !== undefined) ? policy : { tls: { mode: "ISTIO_MUTUAL" } },
  );
const trafficPolicy = fc
  .record({
    all: maybe(settings, 3),
    portLevelSettings: rarely(
      fc.uniqueArray(
        fc
          .record({ port: fc.record({ number: portNumber }), policy: settings })
          .map(({ port, policy }) => ({ port, ...policy })),
        { minLength: 1, maxLength: 2, selector: ({ port }) => port.number },
      ),
    ),
  })
  .map(({ all, portLevelSettings }) =>
    portLevelSettings === undefined ? (all ?? { tls: { mode: "DISABLE" } }) : { ...all, portLevelSettings },
  );

export const destinationRule: fc.Arbitrary<object> = fc
  .record({
    host,
    trafficPolicy: maybe(trafficPolicy),
    subsets: fc.uniqueArray(fc.record({ name: some(...versions), labels, trafficPolicy: maybe(trafficPolicy) }), {
      maxLength: 2,
      selector: ({ name }) => name,
    }),
    exportTo,
    workloadSelector: rarely(fc.record({ matchLabels: callerLabels })),
  })
  // A rule for chosen callers is for its own namespace.
  .map((rule) =>
    rule.workloadSelector === undefined || rule.exportTo === undefined ? rule : { ...rule, exportTo: ["."] },
  );
