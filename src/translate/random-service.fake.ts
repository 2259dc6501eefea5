// Random services and what runs behind them.
import fc from "fast-check";
import { address, exportTo, host, labels, maybe, namedHost, rarely, some } from "./random-names.fake.ts";

interface Port {
  readonly number: number;
  readonly name: string;
  readonly protocol?: string;
  readonly targetPort?: number;
}

const ports = fc.uniqueArray(
  some<Port>(
    { number: 80, name: "http", protocol: "HTTP" },
    { number: 80, name: "http-web" },
    { number: 8080, name: "grpc", protocol: "GRPC", targetPort: 9090 },
    { number: 8080, name: "http2-web", targetPort: 80 },
    { number: 5432, name: "tcp-db", protocol: "TCP" },
    { number: 5432, name: "plain" },
    { number: 3306, name: "mysql" },
    { number: 443, name: "tls", protocol: "TLS" },
    { number: 443, name: "https", protocol: "HTTPS" },
    { number: 15006, name: "http-own", protocol: "HTTP" },
    { number: 15021, name: "tcp-own", protocol: "TCP", targetPort: 15006 },
  ),
  { minLength: 1, maxLength: 3, selector: ({ number }) => number },
);
/** Services with several hosts cannot tell connections of bare TCP apart. */
const namedPorts = ports
  .map((all) => all.filter(({ number }) => number === 80 || number === 8080))
  .filter((all) => all.length > 0);

const locality = some("eu/a", "eu/a/1", "us/b", "");
const serviceAccount = some("web", "api");

const endpoint = (where: fc.Arbitrary<string>, portNames: readonly string[]) =>
  fc.record({
    address: where,
    labels,
    locality: rarely(locality),
    weight: maybe(fc.nat(3)),
    serviceAccount: maybe(serviceAccount),
    ports: rarely(fc.constantFrom(...portNames.map((name) => ({ [name]: 8081 })))),
  });

const endpoints = (all: readonly Port[], where: fc.Arbitrary<string>, maxLength: number) =>
  fc.uniqueArray(
    endpoint(
      where,
      all.map(({ name }) => name),
    ),
    { minLength: 1, maxLength, selector: (each) => each.address },
  );

const location = some("MESH_INTERNAL", "MESH_INTERNAL", "MESH_EXTERNAL", undefined);
const stated = some(
  ["10.9.0.1"],
  ["10.9.0.2", "10.8.0.0/16"],
  ["2001:db8::9"],
  ["2001:DB8:0::9", "10.9.0.1/32"],
  ["10.8.1.1", "2001:db8:8::/64"],
);
const statedSingly = some(["10.9.0.1"], ["2001:db8::9"], ["10.9.0.1", "10.8.1.1"]);
const visibility = fc.oneof({ weight: 5, arbitrary: exportTo }, { weight: 1, arbitrary: fc.constant(["~"]) });
const subjectAltNames = rarely(some(["spiffe://cluster.local/ns/shop/sa/web"], ["a.example", "b.example"]));

const oneOrTwoHosts = fc.uniqueArray(host, { minLength: 1, maxLength: 2 });
/** Ports that fit the hosts. */
const hostsAndPorts = oneOrTwoHosts.chain((hosts) =>
  fc.record({ hosts: fc.constant(hosts), ports: hosts.length > 1 ? namedPorts : ports }),
);
const common = { location, exportTo: visibility, subjectAltNames };

const selected = hostsAndPorts.chain(({ hosts, ports: all }) =>
  fc.record({
    hosts: fc.constant(hosts),
    ports: fc.constant(all),
    resolution: fc.constant("STATIC"),
    addresses: maybe(stated),
    workloadSelector: fc.record({ labels }),
    ...common,
  }),
);
const listed = hostsAndPorts.chain(({ hosts, ports: all }) =>
  fc.record({
    hosts: fc.constant(hosts),
    ports: fc.constant(all),
    resolution: fc.constant("STATIC"),
    addresses: maybe(stated),
    endpoints: maybe(
      all.length === 1
        ? fc.oneof(
            endpoints(all, address, 2),
            some([{ address: "unix:///run/app.sock", labels: { version: "v1" }, weight: 2 }]),
          )
        : endpoints(all, address, 2),
      4,
    ),
    ...common,
  }),
);
const resolved = ports.chain((all) =>
  fc.oneof(
    fc.record({
      hosts: fc.uniqueArray(namedHost, { minLength: 1, maxLength: 1 }),
      ports: fc.constant(all),
      resolution: some("DNS", "DNS_ROUND_ROBIN", "DYNAMIC_DNS"),
      addresses: maybe(statedSingly),
      ...common,
    }),
    fc.record({
      hosts: fc.uniqueArray(host, { minLength: 1, maxLength: 1 }),
      ports: fc.constant(all),
      resolution: fc.constant("DNS"),
      endpoints: endpoints(all, some("a.backend.example", "b.backend.example", "198.18.0.2", "2001:db8:1::3"), 2),
      ...common,
    }),
    fc.record({
      hosts: fc.uniqueArray(host, { minLength: 1, maxLength: 1 }),
      ports: fc.constant(all),
      resolution: fc.constant("DNS_ROUND_ROBIN"),
      endpoints: endpoints(all, some("a.backend.example", "198.18.0.2"), 1),
      ...common,
    }),
    fc.record({
      hosts: fc.uniqueArray(namedHost, { minLength: 1, maxLength: 1 }),
      ports: fc.constant(all),
      resolution: fc.constant("DNS"),
      workloadSelector: fc.record({ labels }),
      ...common,
    }),
  ),
);
const unresolved = hostsAndPorts.chain(({ hosts, ports: all }) =>
  fc.record({
    hosts: fc.constant(hosts),
    ports: fc.constant(all),
    resolution: some("NONE", undefined),
    addresses: maybe(stated),
    ...common,
  }),
);

export const serviceEntry: fc.Arbitrary<object> = fc.oneof(
  { weight: 4, arbitrary: selected },
  { weight: 3, arbitrary: listed },
  { weight: 2, arbitrary: resolved },
  { weight: 1, arbitrary: unresolved },
);

export const workloadEntry: fc.Arbitrary<object> = fc
  .record({
    address: fc.oneof(
      { weight: 8, arbitrary: address },
      { weight: 1, arbitrary: some("a.backend.example", "unix:///run/app.sock") },
    ),
    labels,
    serviceAccount: maybe(serviceAccount, 4),
    locality: rarely(locality),
    weight: maybe(fc.nat(3)),
    ports: rarely(some({ http: 8081 }, { "tcp-db": 5433, http: 8082 })),
  })
  .map(({ ports: own, ...spec }) => (spec.address.startsWith("unix:") ? spec : { ...spec, ports: own }));

export const workloadGroup: fc.Arbitrary<object> = fc.record({
  metadata: maybe(
    fc.record({
      labels: maybe(labels),
      annotations: maybe(some({ "example.com/owner": "a" }, { "example.com/owner": "b" })),
    }),
  ),
  template: fc.record({
    address: rarely(address),
    labels: maybe(labels, 3),
    ports: maybe(some({ http: 8081 }, { http: 8082, "tcp-db": 5433 })),
    locality: rarely(locality),
    weight: rarely(fc.nat(3)),
    serviceAccount: some("web", "api", undefined),
  }),
});
