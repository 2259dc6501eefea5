// Random policies of what comes in.
import fc from "fast-check";
import { appLabels, maybe, some } from "./random-names.fake.ts";

const mode = some("UNSET", "DISABLE", "PERMISSIVE", "STRICT");
const selector = fc.record({ matchLabels: appLabels });

export const peerAuthentication: fc.Arbitrary<object> = fc.oneof(
  fc.record({ mtls: maybe(fc.record({ mode }), 6) }),
  fc.record({
    selector,
    mtls: maybe(fc.record({ mode }), 6),
    portLevelMtls: some(
      undefined,
      { 80: { mode: "DISABLE" } },
      { 7000: { mode: "STRICT" }, 8081: { mode: "UNSET" } },
      { 8081: { mode: "PERMISSIVE" } },
      { 15006: { mode: "DISABLE" } },
    ),
  }),
);

const source = some<object>(
  { namespaces: ["shop", "da*"], notNamespaces: ["bad"] },
  { principals: ["cluster.local/ns/shop/sa/web", "*/sa/api"], notPrincipals: ["cluster.local/ns/shop/*"] },
  { ipBlocks: ["198.18.0.0/24", "2001:db8::/32"], notIpBlocks: ["198.18.0.9"] },
  { serviceAccounts: ["web", "data/api"], notServiceAccounts: ["data/thief"] },
  { trustDomains: ["cluster.local"], notTrustDomains: ["*.evil.example"] },
);
const operation = some<object>(
  { methods: ["GET"], notMethods: ["PURGE"] },
  { hosts: ["web", "*.web.example"], notHosts: ["admin.web.example"] },
  { paths: ["/api*", "/orders/{*}/items/{**}"], notPaths: ["/api/admin*"] },
  { ports: ["80", "8081"], notPorts: ["9"] },
);
const condition = some<object>(
  { key: "request.headers[x-tier]", values: ["gold"], notValues: ["silver*"] },
  { key: "source.ip", notValues: ["192.0.2.0/24"] },
  { key: "source.namespace", values: ["shop"] },
  { key: "source.principal", notValues: ["cluster.local/ns/shop/sa/worse"] },
  { key: "destination.ip", values: ["198.18.0.0/15"] },
  { key: "destination.port", values: ["80", "8081"] },
  { key: "connection.sni", notValues: ["*.evil.example"] },
);
const rule = fc.record({
  from: maybe(source.map((each) => [{ source: each }])),
  to: maybe(operation.map((each) => [{ operation: each }])),
  when: maybe(condition.map((each) => [each])),
});

export const authorizationPolicy: fc.Arbitrary<object> = fc
  .record({
    selector: maybe(selector),
    action: some("ALLOW", "ALLOW", "DENY", "DENY", "AUDIT", "CUSTOM", undefined),
    rules: fc.array(rule, { maxLength: 2 }),
  })
  .map(({ rules, ...policy }) => ({
    ...policy,
    // Without rules only ALLOW says something.
    rules: policy.action !== "ALLOW" && policy.action !== undefined && rules.length === 0 ? [{}] : rules,
    ...(policy.action === "CUSTOM" ? { provider: { name: "ext-authz" } } : {}),
  }));
