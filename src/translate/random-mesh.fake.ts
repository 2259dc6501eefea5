// Random objects of a small mesh: few names, so that histories meet themselves again.
import fc from "fast-check";
import type { Config } from "../config/object.ts";

const namespaces = ["shop", "data", "istio-system"];
const apps = ["web", "api"];
const versions = ["v1", "v2"];
/** Relative and full names, a wildcard, and hosts that several namespaces define. */
const hosts = [
  "web",
  "api",
  "web.shop.svc.cluster.local",
  "api.data.svc.cluster.local",
  "pay.example.com",
  "*.example.com",
];
const ages = ["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z"];

const namespace = fc.constantFrom(...namespaces);
const host = fc.constantFrom(...hosts);
const labels = fc.record(
  { app: fc.constantFrom(...apps), version: fc.constantFrom(...versions) },
  { requiredKeys: [] },
);
const appLabels = fc.record({ app: fc.constantFrom(...apps) });
const exportTo = fc.constantFrom(undefined, ["*"], ["."], ["shop"], ["~"]);
const mode = fc.constantFrom("UNSET", "DISABLE", "PERMISSIVE", "STRICT");
const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined });

const ports = fc.uniqueArray(
  fc.constantFrom(
    { number: 80, name: "http", protocol: "HTTP" },
    { number: 8080, name: "grpc", protocol: "GRPC", targetPort: 9090 },
    { number: 5432, name: "tcp-db", protocol: "TCP" },
    { number: 443, name: "tls", protocol: "TLS" },
    { number: 15006, name: "http-own", protocol: "HTTP" },
    { number: 15021, name: "tcp-own", protocol: "TCP", targetPort: 15006 },
  ),
  { minLength: 1, maxLength: 3, selector: ({ number }) => number },
);

const serviceEntry = fc
  .record({
    hosts: fc.uniqueArray(host, { minLength: 1, maxLength: 2 }),
    ports,
    location: fc.constantFrom("MESH_INTERNAL", "MESH_EXTERNAL"),
    resolution: fc.constantFrom("STATIC", "STATIC", "DNS", "NONE"),
    addresses: maybe(
      fc.constantFrom(["10.9.0.1"], ["10.9.0.2", "10.8.0.0/16"], ["2001:db8::9"], ["2001:DB8:0::9", "10.9.0.1/32"]),
    ),
    exportTo,
    workloadSelector: maybe(fc.record({ labels })),
    endpoints: maybe(
      fc.uniqueArray(
        fc.record({
          address: fc.constantFrom("198.18.0.1", "198.18.0.2", "198.18.1.1"),
          labels,
          locality: fc.constantFrom("eu/a", "eu/b"),
          weight: fc.nat(3),
        }),
        { minLength: 1, maxLength: 2, selector: ({ address }) => address },
      ),
    ),
  })
  .map(({ workloadSelector, endpoints, ...spec }) => ({
    ...spec,
    ...(endpoints === undefined || spec.resolution === "NONE" ? { workloadSelector } : { endpoints }),
  }));

const workloadEntry = fc.record({
  address: fc.constantFrom("198.18.0.1", "198.18.0.2", "198.18.0.3"),
  labels,
  serviceAccount: fc.constantFrom("web", "api"),
  ports: fc.constantFrom(undefined, { http: 8081 }),
});

const destination = fc.record({
  destination: fc.record({ host, subset: maybe(fc.constantFrom(...versions)) }),
  weight: fc.constantFrom(1, 9),
});
const match = fc.record(
  {
    uri: fc.constantFrom({ prefix: "/a" }, { exact: "/b" }),
    port: fc.constantFrom(80, 8080),
    sourceLabels: appLabels,
    sourceNamespace: namespace,
  },
  { requiredKeys: [] },
);

const virtualService = fc.record({
  hosts: fc.uniqueArray(host, { minLength: 1, maxLength: 2 }),
  exportTo,
  http: fc.array(
    fc.record({
      match: maybe(fc.array(match, { minLength: 1, maxLength: 2 })),
      route: fc.array(destination, { minLength: 1, maxLength: 2 }),
      mirror: maybe(fc.record({ host })),
    }),
    { maxLength: 2 },
  ),
  tcp: fc.array(
    fc.record({
      match: maybe(
        fc.constantFrom(
          [{ port: 5432 }],
          [{ sourceLabels: { app: "web" } }],
          [{ destinationSubnets: ["10.8.1.0/24"] }],
        ),
      ),
      route: fc.array(destination, { minLength: 1, maxLength: 1 }),
    }),
    { maxLength: 1 },
  ),
});

const loadBalancer = fc.constantFrom(
  { simple: "ROUND_ROBIN" },
  { simple: "PASSTHROUGH" },
  { consistentHash: { httpHeaderName: "x-user" } },
);
const trafficPolicy = fc.record(
  { loadBalancer, tls: fc.constantFrom({ mode: "DISABLE" }, { mode: "ISTIO_MUTUAL" }) },
  { requiredKeys: [] },
);
const destinationRule = fc.record({
  host,
  exportTo,
  trafficPolicy: maybe(trafficPolicy),
  subsets: fc.uniqueArray(
    fc.record({ name: fc.constantFrom(...versions), labels, trafficPolicy: maybe(trafficPolicy) }),
    { maxLength: 2, selector: ({ name }) => name },
  ),
  workloadSelector: maybe(fc.record({ matchLabels: appLabels })),
});

const peerAuthentication = fc.oneof(
  fc.record({ mtls: fc.record({ mode }) }),
  fc.record({
    selector: fc.record({ matchLabels: appLabels }),
    mtls: fc.record({ mode }),
    portLevelMtls: fc.constantFrom(
      undefined,
      { 80: { mode: "DISABLE" } },
      { 7000: { mode: "STRICT" } },
      { 15006: { mode: "DISABLE" } },
    ),
  }),
);

const authorizationPolicy = fc.record({
  selector: maybe(fc.record({ matchLabels: appLabels })),
  action: fc.constantFrom("ALLOW", "DENY"),
  rules: fc.constantFrom(
    [{ from: [{ source: { namespaces: ["shop"] } }] }],
    [{ to: [{ operation: { methods: ["GET"] } }] }],
  ),
});

const kinds: readonly (readonly [kind: string, spec: fc.Arbitrary<object>])[] = [
  ["ServiceEntry", serviceEntry],
  ["ServiceEntry", serviceEntry],
  ["WorkloadEntry", workloadEntry],
  ["WorkloadEntry", workloadEntry],
  ["VirtualService", virtualService],
  ["DestinationRule", destinationRule],
  ["PeerAuthentication", peerAuthentication],
  ["AuthorizationPolicy", authorizationPolicy],
];

/** An object, with one of three names in one of three namespaces. */
export const randomConfig: fc.Arbitrary<Config> = fc
  .constantFrom(...kinds)
  .chain(([kind, spec]) =>
    fc.record({
      kind: fc.constant(kind),
      spec,
      namespace,
      name: fc.constantFrom("one", "two", "three"),
      creationTimestamp: fc.constantFrom(...ages),
      registered: fc.boolean(),
    }),
  )
  .map(({ kind, spec, namespace, name, creationTimestamp, registered }) => ({
    key: { source: "files", group: "test", kind, namespace, name },
    meta: {
      name,
      namespace,
      creationTimestamp,
      ...(kind === "WorkloadEntry" && registered ? { annotations: { "istio.io/autoRegistrationGroup": "group" } } : {}),
    },
    spec: withoutUndefined(spec) as object,
  }));

/** Fields that are not there are not there, as in decoded objects. */
function withoutUndefined(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutUndefined);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, field]) => field !== undefined)
      .map(([name, field]) => [name, withoutUndefined(field)]),
  );
}
