import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { kindSuite, outlineOf, problemsOf } from "../virtual-service/kind.suite.ts";
import type { ClientTls } from "./client-tls.ts";
import type { ConnectionPool } from "./connection-pool.ts";
import { type DestinationRule, destinationRuleKind } from "./destination-rule.ts";
import type { LoadBalancer } from "./load-balancer.ts";
import type { TrafficPolicy } from "./traffic-policy.ts";

const connectionPool: ConnectionPool = {
  tcp: {
    maxConnections: 100,
    connectTimeout: "2s",
    tcpKeepalive: { probes: 3, time: "7200s", interval: "75s" },
    maxConnectionDuration: "1h",
    idleTimeout: "0s",
  },
  http: {
    http1MaxPendingRequests: 10,
    http2MaxRequests: 1000,
    maxRequestsPerConnection: 0,
    maxRetries: 3,
    idleTimeout: "15m",
    h2UpgradePolicy: "DO_NOT_UPGRADE",
    useClientProtocol: true,
    maxConcurrentStreams: 100,
    http2KeepAlive: { interval: "30s", timeout: "5s" },
  },
};

const outlierDetection = {
  consecutiveErrors: 5,
  splitExternalLocalOriginErrors: true,
  consecutiveLocalOriginFailures: 5,
  consecutiveGatewayErrors: 5,
  consecutive5xxErrors: 7,
  interval: "5m",
  baseEjectionTime: "15m",
  maxEjectionPercent: 50,
  minHealthPercent: 25,
  outlierDetectionHttpErrorCodes: [500, 503],
};

const localities = {
  localityLbSetting: {
    distribute: [{ from: "eu/*", to: { "eu/a": 80, "eu/b": 20 } }],
    enabled: true,
  },
};

const zones = {
  zoneAwareLbSetting: {
    enabled: true,
    minClusterSize: 3,
    failover: [{ from: "eu", to: "us" }],
    failoverPriority: ["topology.kubernetes.io/zone"],
  },
};

const failover = {
  localityLbSetting: { failover: [{ from: "eu", to: "us" }], failoverPriority: ["topology.kubernetes.io/region"] },
};

const balancers: LoadBalancer[] = [
  {
    simple: "ROUND_ROBIN",
    warmup: { duration: "30s", minimumPercent: 20, aggression: 1.5 },
    ...localities,
  },
  { simple: "LEAST_REQUEST", warmupDurationSecs: "30s", ...zones },
  {
    consistentHash: {
      httpCookie: { name: "session", path: "/", ttl: "0s", attributes: [{ name: "SameSite", value: "Strict" }] },
      ringHash: { minimumRingSize: 2048 },
      minimumRingSize: 2048,
    },
    ...failover,
  },
  { consistentHash: { httpHeaderName: "x-user", maglev: { tableSize: 65537 } } },
  { consistentHash: { useSourceIp: true } },
  { consistentHash: { httpQueryParameterName: "user" } },
  {
    backendUtilization: {
      weightUpdatePeriod: "1s",
      weightStabilizationPeriod: "10s",
      weightExpirationPeriod: "180s",
      errorUtilizationPenaltyPercent: 100,
      metricNamesForComputingUtilization: ["cpu"],
    },
  },
];

const mutual: ClientTls = {
  mode: "MUTUAL",
  clientCertificate: "/etc/certs/client.pem",
  privateKey: "/etc/certs/key.pem",
  caCertificates: "/etc/certs/ca.pem",
  caCrl: "/etc/certs/ca.crl",
  subjectAltNames: ["spiffe://cluster.local/ns/shop/sa/reviews"],
  sni: "reviews.example.com",
  insecureSkipVerify: false,
};

const simple: ClientTls = { mode: "SIMPLE", credentialName: "reviews-tls" };

/** The first policy sets everything once; the others show what the first cannot set beside it. */
function policyOf(loadBalancer: LoadBalancer, index: number): TrafficPolicy {
  const others = index === 0 ? { connectionPool, outlierDetection, tls: mutual } : { tls: simple };
  const settings = { loadBalancer, ...others };
  return {
    ...settings,
    portLevelSettings: [
      { port: { number: 80 }, tls: { mode: "DISABLE" } },
      { port: { number: 8080 }, ...settings },
    ],
    ...(index === 0
      ? {
          retryBudget: { percent: 25, minRetryConcurrency: 10, budgetInterval: "10s" },
          tunnel: { protocol: "CONNECT", targetHost: "proxy.example.com", targetPort: 443 },
        }
      : { proxyProtocol: { version: "V2" } }),
  };
}

const samples: DestinationRule[] = balancers.map((balancer, index) => ({
  host: "reviews.shop.svc.cluster.local",
  exportTo: ["."],
  workloadSelector: { matchLabels: { app: "cart" } },
  trafficPolicy: policyOf(balancer, index),
  subsets: [{ name: "v1", labels: { version: "v1" }, trafficPolicy: policyOf(balancer, index) }],
}));

/** Where a traffic policy may stand, and where its settings may. */
const policies = ["trafficPolicy", "subsets[].trafficPolicy"];
const settings = policies.flatMap((policy) => [policy, `${policy}.portLevelSettings[]`]);

kindSuite(destinationRuleKind, samples, [
  ...policies.flatMap((policy) => ["tunnel", "proxyProtocol", "retryBudget"].map((field) => `${policy}.${field}`)),
  ...settings.flatMap((policy) =>
    [
      "loadBalancer.backendUtilization",
      "loadBalancer.localityLbSetting",
      "loadBalancer.zoneAwareLbSetting",
      "loadBalancer.warmupDurationSecs",
      "outlierDetection.outlierDetectionHttpErrorCodes",
      "tls.credentialName",
      "tls.caCrl",
    ].map((field) => `${policy}.${field}`),
  ),
]);

function specProblems(spec: object): string[] {
  return outlineOf(problemsOf(destinationRuleKind, spec));
}

/** Problems of the settings, which must be the same for all traffic, a subset and a port. */
function policyProblems(policy: object): string[] {
  const places: [string, object][] = [
    ["spec.trafficPolicy", { trafficPolicy: policy }],
    ["spec.subsets[0].trafficPolicy", { subsets: [{ name: "v1", trafficPolicy: policy }] }],
    [
      "spec.trafficPolicy.portLevelSettings[0]",
      { trafficPolicy: { portLevelSettings: [{ port: { number: 80 }, ...policy }] } },
    ],
  ];
  const outlines = places.map(([path, spec]) =>
    specProblems({ host: "reviews", ...spec }).map((line) => line.replace(path, "policy")),
  );
  for (const outline of outlines) assert.deepEqual(outline, outlines[0]);
  return outlines[0] ?? [];
}

const broken = (path: string): string[] => [`error LAT1007 ${path}`];
const dubious = (path: string): string[] => [`warning LAT1007 ${path}`];

describe("DestinationRule", () => {
  it("needs a host that can be one", () => {
    assert.deepEqual(specProblems({}), ["error LAT1006 spec.host"]);
    for (const host of ["reviews", "*.shop.svc.cluster.local", "*", "reviews.example.com."]) {
      assert.deepEqual(specProblems({ host }), [], host);
    }
    for (const host of ["", "a*", "a b", "10.0.0.1", "http://a"])
      assert.deepEqual(specProblems({ host }), broken("spec.host"));
  });

  it("names each subset once, by a DNS label", () => {
    const subsets = (...names: string[]) => specProblems({ host: "a", subsets: names.map((name) => ({ name })) });
    assert.deepEqual(subsets("v1", "v2"), []);
    assert.deepEqual(subsets("v1", "v2", "v1"), broken("spec.subsets[2].name"));
    for (const name of ["", "v 1", "v.1", "-v", "a".repeat(64)]) {
      assert.deepEqual(subsets("v1", name), broken("spec.subsets[1].name"), name);
    }
    assert.deepEqual(specProblems({ host: "a", subsets: [{}] }), ["error LAT1006 spec.subsets[0].name"]);
  });

  it("refuses policies that say nothing", () => {
    assert.deepEqual(specProblems({ host: "a", trafficPolicy: {} }), broken("spec.trafficPolicy"));
    assert.deepEqual(policyProblems({ connectionPool: {} }), broken("policy.connectionPool"));
    const port = specProblems({ host: "a", trafficPolicy: { portLevelSettings: [{ port: { number: 80 } }] } });
    assert.deepEqual(port, broken("spec.trafficPolicy.portLevelSettings[0]"));
  });

  it("sets each port once", () => {
    const ports = (...all: object[]) =>
      specProblems({ host: "a", trafficPolicy: { portLevelSettings: all.map((port) => ({ port, tls: {} })) } });
    const at = (rest: string) => broken(`spec.trafficPolicy.portLevelSettings${rest}`);
    assert.deepEqual(ports({ number: 80 }, { number: 81 }), []);
    assert.deepEqual(ports({ number: 80 }, { number: 80 }), at("[1].port.number"));
    assert.deepEqual(ports({ number: 0 }), at("[0].port.number"));
    assert.deepEqual(ports({ number: 65536 }), at("[0].port.number"));
    assert.deepEqual(ports({}), at("[0].port.number"));
    assert.deepEqual(specProblems({ host: "a", trafficPolicy: { portLevelSettings: [{ tls: {} }] } }), at("[0].port"));
  });

  it("stays home where it selects workloads", () => {
    const selected = { host: "a", workloadSelector: { matchLabels: { a: "b" } } };
    assert.deepEqual(specProblems(selected), []);
    assert.deepEqual(specProblems({ ...selected, exportTo: ["other"] }), broken("spec.exportTo"));
    assert.deepEqual(specProblems({ host: "a", exportTo: ["*", "."] }), broken("spec.exportTo[0]"));
  });
});

describe("DestinationRule traffic policy", () => {
  it("limits connections with numbers Envoy takes", () => {
    const http = (value: object) => policyProblems({ connectionPool: { http: value } });
    const tcp = (value: object) => policyProblems({ connectionPool: { tcp: value } });
    assert.deepEqual(http({ maxRetries: -1 }), broken("policy.connectionPool.http.maxRetries"));
    assert.deepEqual(
      http({ h2UpgradePolicy: "UPGRADE", useClientProtocol: true }),
      broken("policy.connectionPool.http.useClientProtocol"),
    );
    assert.deepEqual(tcp({ maxConnections: -1 }), broken("policy.connectionPool.tcp.maxConnections"));
    assert.deepEqual(tcp({ idleTimeout: "-1s" }), broken("policy.connectionPool.tcp.idleTimeout"));
    for (const connectTimeout of ["0s", "10", "1e3s", "-1s", "500us"]) {
      assert.deepEqual(tcp({ connectTimeout }), broken("policy.connectionPool.tcp.connectTimeout"), connectTimeout);
    }
  });

  it("balances in one way", () => {
    const balance = (value: object) => policyProblems({ loadBalancer: value });
    const hash = (value: object) => balance({ consistentHash: value });
    const at = (field: string) => broken(`policy.loadBalancer${field}`);
    assert.deepEqual(balance({ simple: "RANDOM", consistentHash: { useSourceIp: true } }), at(""));
    assert.deepEqual(hash({ useSourceIp: true, httpHeaderName: "a" }), at(".consistentHash"));
    assert.deepEqual(hash({ useSourceIp: true, maglev: {}, ringHash: {} }), at(".consistentHash"));
    assert.deepEqual(hash({}), dubious("policy.loadBalancer.consistentHash"));
    assert.deepEqual(hash({ useSourceIp: false }), dubious("policy.loadBalancer.consistentHash"));
    assert.deepEqual(hash({ httpHeaderName: "a b" }), at(".consistentHash.httpHeaderName"));
    assert.deepEqual(hash({ httpCookie: { name: "a;b" } }), at(".consistentHash.httpCookie.name"));
    const long = { name: "a", attributes: [{ name: "b", value: "é".repeat(8_193) }] };
    assert.deepEqual(hash({ httpCookie: long }), at(".consistentHash.httpCookie.attributes[0].value"));
    assert.deepEqual(hash({ httpCookie: { name: "a", ttl: "-1s" } }), at(".consistentHash.httpCookie.ttl"));
    assert.deepEqual(hash({ httpCookie: { name: "a", ttl: "soon" } }), at(".consistentHash.httpCookie.ttl"));
    assert.deepEqual(
      hash({ useSourceIp: true, ringHash: { minimumRingSize: 8_388_609 } }),
      at(".consistentHash.ringHash.minimumRingSize"),
    );
    for (const tableSize of [0, 1, 65536, 5_000_077]) {
      assert.deepEqual(hash({ useSourceIp: true, maglev: { tableSize } }), at(".consistentHash.maglev.tableSize"));
    }
  });

  it("warms up where Envoy can", () => {
    const balance = (value: object) => policyProblems({ loadBalancer: value });
    const warmup = { duration: "10s" };
    assert.deepEqual(balance({ warmup }), []);
    assert.deepEqual(balance({ simple: "RANDOM", warmup }), dubious("policy.loadBalancer.warmup"));
    assert.deepEqual(
      balance({ warmup: { ...warmup, aggression: 0 } }),
      broken("policy.loadBalancer.warmup.aggression"),
    );
    assert.deepEqual(
      balance({ warmup, warmupDurationSecs: "1s" }).slice(0, 1),
      broken("policy.loadBalancer.warmupDurationSecs"),
    );
  });

  it("shares localities completely", () => {
    const locality = (value: object) => policyProblems({ loadBalancer: { localityLbSetting: value } });
    const at = (field: string) => [
      ...broken(`policy.loadBalancer.localityLbSetting.${field}`),
      "warning LAT1010 policy.loadBalancer.localityLbSetting",
    ];
    assert.deepEqual(locality({ distribute: [{ from: "eu", to: { eu: 60, us: 30 } }] }), at("distribute[0].to"));
    assert.deepEqual(locality({ failover: [{ from: "eu", to: "eu" }] }), at("failover[0]"));
    const shares = [{ from: "eu", to: { eu: 100 } }];
    assert.deepEqual(locality({ distribute: shares, failoverPriority: ["a"] }), at("distribute"));
  });

  it("detects outliers by percentages and counters that count", () => {
    const outlier = (value: object) => policyProblems({ outlierDetection: value });
    assert.deepEqual(outlier({}), []);
    assert.deepEqual(outlier({ maxEjectionPercent: 101 }), broken("policy.outlierDetection.maxEjectionPercent"));
    assert.deepEqual(outlier({ minHealthPercent: -1 }), broken("policy.outlierDetection.minHealthPercent"));
    assert.deepEqual(
      outlier({ consecutiveLocalOriginFailures: 1 }),
      broken("policy.outlierDetection.consecutiveLocalOriginFailures"),
    );
  });

  it("asks of TLS what its mode needs", () => {
    const of = (value: object) => policyProblems({ tls: value });
    const files = { clientCertificate: "/c", privateKey: "/k" };
    assert.deepEqual(of({ mode: "MUTUAL", ...files }), []);
    assert.deepEqual(of({ mode: "MUTUAL" }), [
      ...broken("policy.tls.clientCertificate"),
      ...broken("policy.tls.privateKey"),
    ]);
    assert.deepEqual(of({ mode: "MUTUAL", clientCertificate: "/c" }), broken("policy.tls.privateKey"));
    assert.deepEqual(of({ mode: "SIMPLE", credentialName: "a" }), ["warning LAT1010 policy.tls.credentialName"]);
    assert.deepEqual(
      of({ mode: "SIMPLE", credentialName: "a", caCertificates: "/ca" }).slice(0, 1),
      broken("policy.tls.credentialName"),
    );
    assert.deepEqual(of({ mode: "ISTIO_MUTUAL", privateKey: "/k" }), dubious("policy.tls.privateKey"));
    assert.deepEqual(of({ mode: "SIMPLE", clientCertificate: "/c" }), dubious("policy.tls.clientCertificate"));
    const skip = { mode: "SIMPLE", insecureSkipVerify: true };
    assert.deepEqual(of(skip), []);
    assert.deepEqual(of({ ...skip, caCertificates: "/ca" }), broken("policy.tls.caCertificates"));
    assert.deepEqual(of({ ...skip, subjectAltNames: ["a"] }), broken("policy.tls.subjectAltNames"));
  });

  it("confines paths and names of secrets", () => {
    const ca = (caCertificates: string) => policyProblems({ tls: { mode: "SIMPLE", caCertificates } });
    for (const path of ["../secret", "/a/../b", "file:///a", "/a\0b"]) {
      assert.deepEqual(ca(path), broken("policy.tls.caCertificates"), path);
    }
    for (const credentialName of ["../a", "file:/a", "a/../../b"]) {
      const problems = policyProblems({ tls: { mode: "SIMPLE", credentialName } });
      assert.deepEqual(problems.slice(0, 1), broken("policy.tls.credentialName"));
    }
    assert.deepEqual(policyProblems({ tls: { mode: "SIMPLE", sni: "a b" } }), broken("policy.tls.sni"));
  });
});
