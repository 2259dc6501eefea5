// Random AuthorizationPolicies and calls of a small world, so that they often meet.
import fc from "fast-check";
import type { AuthorizationPolicy } from "../../src/config/authorization-policy/authorization-policy.ts";
import type { ReferenceCall, ReferencePolicy } from "./authorization-reference.fake.ts";

const some = <T>(...values: readonly T[]) => fc.constantFrom(...values);
const listOf = (...values: string[]) => fc.uniqueArray(some(...values), { minLength: 1, maxLength: 2 });

const principals = listOf(
  "*",
  "cluster.local/ns/shop/sa/cart",
  "td.example/ns/shop/*",
  "*/sa/cart",
  "old.example/ns/bank/sa/a.b",
  "other.example/ns/shop/sa/cart",
);
const namespaces = listOf("*", "shop", "sh*", "*nk", "bank", "b.nk", "ba");
const accounts = listOf("cart", "bank/a.b", "shop/cart", "a.b", "bank/axb");
const domains = listOf("*", "td.example", "td*", "*.example", "td.exampl", "tdXexample");
const blocks = listOf("10.0.0.0/8", "10.1.2.3", "192.168.0.0/16", "0.0.0.0/0");

const source = fc.oneof(
  fc.record(
    {
      principals,
      notPrincipals: principals,
      namespaces,
      notNamespaces: namespaces,
      trustDomains: domains,
      notTrustDomains: domains,
      ipBlocks: blocks,
      notIpBlocks: blocks,
      requestPrincipals: listOf("*"),
      notRemoteIpBlocks: listOf("10.0.0.0/8"),
    },
    { requiredKeys: [] },
  ),
  fc.record({ serviceAccounts: accounts, notServiceAccounts: accounts, ipBlocks: blocks }, { requiredKeys: [] }),
);

const operation = fc.record(
  {
    hosts: listOf("reviews", "Reviews.*", "*.shop", "*"),
    notHosts: listOf("reviews", "*.shop"),
    methods: listOf("GET", "P*", "*T", "*"),
    notMethods: listOf("GET", "P*"),
    paths: listOf("/", "/api*", "*/status", "/orders/{*}/items", "/files/{**}", "/a.b", "*"),
    notPaths: listOf("/api/status", "/orders*", "/files/{*}"),
    ports: listOf("80", "3306", "9999"),
    notPorts: listOf("80", "9999"),
  },
  { requiredKeys: [] },
);

const patternKeys = [
  "request.headers[X-Tier]",
  "source.namespace",
  "source.principal",
  "connection.sni",
  "request.auth.claims[group]",
];
const blockKeys = ["source.ip", "destination.ip", "remote.ip"];
const condition = fc
  .oneof(
    fc.tuple(some(...patternKeys), listOf("gold", "go*", "*", "shop", "cluster.local/ns/shop/sa/cart", "reviews.*")),
    fc.tuple(some(...blockKeys), blocks),
    fc.tuple(some("destination.port"), listOf("80", "3306")),
  )
  .chain(([key, values]) => some({ key, values }, { key, notValues: values }));

const empty = (value: object): boolean => Object.keys(value).length === 0;
const optionalList = <T>(item: fc.Arbitrary<T>) =>
  fc.option(fc.array(item, { minLength: 1, maxLength: 2 }), { nil: undefined });

const rule = fc
  .record({
    from: optionalList(source.filter((value) => !empty(value)).map((value) => ({ source: value }))),
    to: optionalList(operation.filter((value) => !empty(value)).map((value) => ({ operation: value }))),
    when: optionalList(condition),
  })
  .map((value) => Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)));

export const randomPolicy = fc
  .record({
    name: some("a", "b", "c.d"),
    namespace: some("shop", "shop", "istio-system", "bank"),
    action: some("ALLOW", "DENY", undefined),
    selector: some(undefined, { matchLabels: { app: "reviews" } }, { matchLabels: { app: "other" } }),
    rules: fc.array(rule, { maxLength: 3 }),
  })
  .filter(({ action, rules }) => action !== "DENY" || rules.length > 0)
  .map(({ name, namespace, ...spec }): ReferencePolicy => {
    const present = Object.entries(spec).filter(([, field]) => field !== undefined);
    return { name, namespace, spec: Object.fromEntries(present) as AuthorizationPolicy };
  });

export const randomPolicies = fc.uniqueArray(randomPolicy, {
  maxLength: 4,
  selector: ({ name, namespace }) => `${namespace}/${name}`,
});

const http = fc.record({
  method: some("GET", "POST", "PUT", "PATCH"),
  host: some("reviews", "REVIEWS.shop", "reviews:80", "other"),
  path: some(
    "/",
    "/api",
    "/api/status",
    "/status",
    "/orders/7/items",
    "/orders//items",
    "/orders/7/8/items",
    "/files/",
    "/files/a/b",
    "/files",
    "/a.b",
    "/axb",
  ),
  headers: some<Record<string, string>>({}, { "x-tier": "gold" }, { "x-tier": "goldish" }, { "x-tier": "" }),
});

export const randomCall: fc.Arbitrary<ReferenceCall> = fc
  .record({
    peer: fc.option(
      fc.record({
        trustDomain: some("td.example", "old.example"),
        namespace: some("shop", "bank", "shopping"),
        account: some("cart", "a.b", "axb"),
      }),
      { nil: undefined },
    ),
    sourceIp: some("10.1.2.3", "10.9.9.9", "192.168.1.1", "203.0.113.1"),
    destinationIp: some("198.18.1.1", "10.1.2.3"),
    port: some(80, 80, 3306, 9999),
    sni: some("", "reviews.shop", "gold"),
    http,
  })
  .map(({ http, ...rest }) => ({
    ...rest,
    sni: rest.peer === undefined ? "" : rest.sni,
    http: rest.port === 80 ? http : undefined,
  }));
