import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { validateObject } from "../validate.ts";
import { kindSuite, objectOf, outlineOf, problemsOf } from "../virtual-service/kind.suite.ts";
import { type AuthorizationPolicy, authorizationPolicyKind } from "./authorization-policy.ts";
import { headerOfKey } from "./condition.ts";

const samples: AuthorizationPolicy[] = [
  {
    action: "DENY",
    selector: { matchLabels: { app: "reviews" } },
    rules: [
      {
        from: [
          {
            source: {
              principals: ["cluster.local/ns/shop/sa/cart", "*/sa/admin"],
              notPrincipals: ["cluster.local/ns/shop/*"],
              requestPrincipals: ["*"],
              notRequestPrincipals: ["issuer/subject"],
              namespaces: ["shop"],
              notNamespaces: ["bank*"],
              ipBlocks: ["10.0.0.0/8", "10.1.2.3"],
              notIpBlocks: ["2001:db8::/32"],
              remoteIpBlocks: ["192.0.2.0/24"],
              notRemoteIpBlocks: ["192.0.2.1"],
              trustDomains: ["cluster.local"],
              notTrustDomains: ["old.example"],
            },
          },
          { source: { serviceAccounts: ["shop/cart", "cart"], notServiceAccounts: ["shop/admin"] } },
        ],
        to: [
          {
            operation: {
              hosts: ["*.example.com"],
              notHosts: ["admin.example.com"],
              ports: ["8080"],
              notPorts: ["22"],
              methods: ["GET"],
              notMethods: ["POST"],
              paths: ["/api/*", "*.png", "/v1/{*}/items/{**}", "*"],
              notPaths: ["/admin"],
            },
          },
        ],
        when: [
          { key: "request.headers[x-token]", values: ["admin*"], notValues: ["guest"] },
          { key: "source.ip", values: ["10.0.0.0/8"] },
          { key: "source.namespace", values: ["shop"] },
          { key: "source.principal", notValues: ["*"] },
          { key: "destination.ip", values: ["10.0.0.1"] },
          { key: "destination.port", values: ["80", "443"] },
          { key: "connection.sni", values: ["www.example.com"] },
        ],
      },
      {},
    ],
  },
  {
    action: "CUSTOM",
    provider: { name: "opa" },
    targetRef: { group: "gateway.networking.k8s.io", kind: "Gateway", name: "public", namespace: "" },
    rules: [{}],
  },
  { targetRefs: [{ group: "", kind: "Service", name: "reviews", namespace: "" }] },
];

kindSuite(authorizationPolicyKind, samples, [
  "provider",
  "targetRef",
  "targetRefs",
  "rules[].from[].source.requestPrincipals",
  "rules[].from[].source.notRequestPrincipals",
  "rules[].from[].source.remoteIpBlocks",
  "rules[].from[].source.notRemoteIpBlocks",
]);

function specProblems(spec: object): string[] {
  return outlineOf(problemsOf(authorizationPolicyKind, spec));
}

const broken = (path: string): string[] => [`error LAT1007 spec.${path}`];
const dubious = (path: string): string[] => [`warning LAT1007 spec.${path}`];

describe("AuthorizationPolicy", () => {
  it("may be empty, which lets nothing in", () => {
    assert.deepEqual(specProblems({}), []);
    assert.deepEqual(specProblems({ rules: [{}] }), []);
  });

  it("refuses a DENY or CUSTOM policy that never applies", () => {
    assert.deepEqual(specProblems({ action: "DENY" }), broken("rules"));
    assert.deepEqual(specProblems({ action: "DENY", rules: [] }), broken("rules"));
    assert.deepEqual(specProblems({ action: "DENY", rules: [{}] }), []);
    const custom = specProblems({ action: "CUSTOM", provider: { name: "opa" } });
    assert.deepEqual(custom.slice(0, 1), broken("rules"));
  });

  it("warns of actions and modes that are not carried out", () => {
    assert.deepEqual(specProblems({ action: "AUDIT", rules: [{}] }), ["warning LAT1010 spec.action"]);
    assert.deepEqual(specProblems({ action: "CUSTOM", provider: { name: "opa" }, rules: [{}] }), [
      "warning LAT1010 spec.action",
      "warning LAT1010 spec.provider",
    ]);
    const policy = objectOf(authorizationPolicyKind, {});
    const metadata = { ...policy.metadata, annotations: { "istio.io/dry-run": "true" } };
    assert.deepEqual(outlineOf(validateObject(authorizationPolicyKind, { ...policy, metadata })), [
      'warning LAT1010 metadata.annotations["istio.io/dry-run"]',
    ]);
  });

  it("ties provider and action", () => {
    assert.deepEqual(specProblems({ action: "CUSTOM", rules: [{}] }), broken("provider"));
    assert.deepEqual(specProblems({ provider: { name: "opa" } }).slice(0, 1), broken("provider"));
  });

  it("has one target", () => {
    const target = { kind: "Service", name: "a" };
    for (const spec of [
      { selector: {}, targetRef: target },
      { selector: {}, targetRefs: [target] },
      { targetRef: target, targetRefs: [target] },
    ]) {
      assert.deepEqual(specProblems(spec)[0], "error LAT1007 spec");
    }
    assert.deepEqual(
      specProblems({ targetRef: { ...target, namespace: "b" } }).slice(0, 1),
      broken("targetRef.namespace"),
    );
  });

  it("keeps its errors in sight of many warnings", () => {
    const paths = Array.from({ length: 100 }, (_, index) => `/a*b${index}`);
    const spec = { rules: [{ to: [{ operation: { paths } }], when: [{ key: "no.such", values: ["a"] }] }] };
    assert.deepEqual(specProblems(spec).slice(0, 1), broken("rules[0].when[0].key"));
  });
});

describe("AuthorizationPolicy source", () => {
  const source = (value: object) => specProblems({ rules: [{ from: [{ source: value }] }] });
  const at = (rest: string) => broken(`rules[0].from[0].source${rest}`);

  it("says something", () => {
    assert.deepEqual(specProblems({ rules: [{ from: [] }] }), broken("rules[0].from"));
    assert.deepEqual(specProblems({ rules: [{ from: [{}] }] }), broken("rules[0].from[0].source"));
    assert.deepEqual(source({}), at(""));
    assert.deepEqual(source({ principals: [] }), at(""));
    assert.deepEqual(source({ principals: ["a", ""] }), at(".principals[1]"));
  });

  it("takes addresses and blocks", () => {
    for (const block of ["10.0.0.0/33", "10.0.0.", "010.0.0.1", "::/129", "fe80::1%eth0", "a"]) {
      assert.deepEqual(source({ notIpBlocks: ["10.0.0.1", block] }), at(".notIpBlocks[1]"), block);
    }
  });

  it("takes accounts alone, without wildcards", () => {
    for (const account of ["a/b/c", "/a", "a/", "shop/*"]) {
      assert.deepEqual(source({ serviceAccounts: [account] }), at(".serviceAccounts[0]"), account);
    }
    for (const field of ["principals", "notPrincipals", "namespaces", "notNamespaces"]) {
      assert.deepEqual(source({ notServiceAccounts: ["a"], [field]: ["b"] }), at(""), field);
    }
  });

  it("takes any name literally, and warns of wildcards that are none", () => {
    assert.deepEqual(source({ principals: ["td/ns/a.b+[c]|\\d/sa/e"] }), []);
    assert.deepEqual(source({ principals: ["td/ns/*/sa/e"] }), dubious("rules[0].from[0].source.principals[0]"));
    assert.deepEqual(source({ namespaces: ["*a*"] }), dubious("rules[0].from[0].source.namespaces[0]"));
    const uri = "spiffe://td/ns/a/sa/b";
    assert.deepEqual(source({ notPrincipals: [uri] }), dubious("rules[0].from[0].source.notPrincipals[0]"));
  });
});

describe("AuthorizationPolicy operation", () => {
  const operation = (value: object) => specProblems({ rules: [{ to: [{ operation: value }] }] });
  const at = (rest: string) => broken(`rules[0].to[0].operation${rest}`);

  it("says something", () => {
    assert.deepEqual(specProblems({ rules: [{ to: [] }] }), broken("rules[0].to"));
    assert.deepEqual(specProblems({ rules: [{ to: [{}] }] }), broken("rules[0].to[0].operation"));
    assert.deepEqual(operation({}), at(""));
    assert.deepEqual(operation({ methods: [""] }), at(".methods[0]"));
  });

  it("takes ports by number", () => {
    for (const port of ["0", "65536", "080", "http", "80-90", "*", " 80"]) {
      assert.deepEqual(operation({ ports: ["1", "65535", port] }), at(".ports[2]"), port);
    }
  });

  it("takes paths as text or as templates", () => {
    const paths = (path: string) => operation({ paths: [path] });
    for (const path of ["/", "/a/*", "*/b", "*", "/{*}", "/a/{*}/b/{**}", "/{**}", "/a b"])
      assert.deepEqual(paths(path), []);
    for (const path of [
      "/{**}/{*}",
      "/{**}/{**}",
      "/{id}",
      "/a{*}",
      "/a/{*}/b*",
      "/{*}/a b",
      "{*}/a",
      "/{*}//a",
      "/}",
    ]) {
      assert.deepEqual(paths(path), at(".paths[0]"), path);
    }
    assert.deepEqual(paths("admin"), dubious("rules[0].to[0].operation.paths[0]"));
    assert.deepEqual(paths("/a/*/b"), dubious("rules[0].to[0].operation.paths[0]"));
  });
});

describe("AuthorizationPolicy condition", () => {
  const when = (key: string, ...values: string[]) => specProblems({ rules: [{ when: [{ key, values }] }] });
  const key = "rules[0].when[0].key";

  it("has values", () => {
    assert.deepEqual(when("source.ip"), broken("rules[0].when[0]"));
    assert.deepEqual(specProblems({ rules: [{ when: [{ key: "source.ip", notValues: ["10.0.0.1"] }] }] }), []);
    assert.deepEqual(specProblems({ rules: [{ when: [{ values: ["a"] }] }] }), [
      "error LAT1006 spec.rules[0].when[0].key",
    ]);
  });

  it("knows Istio's attributes", () => {
    for (const name of [
      "",
      "source.ips",
      "destination.user",
      "request.headers",
      "request.headers[]",
      "request.headers[a b]",
    ]) {
      assert.deepEqual(when(name, "a"), broken(key), name);
    }
    for (const name of [
      "source.serviceAccount",
      "request.auth.principal",
      "request.auth.claims[group][name]",
      "experimental.envoy.filters.network.mysql_proxy[db.table]",
    ]) {
      assert.deepEqual(when(name, "a"), [`warning LAT1010 spec.${key}`], name);
    }
    assert.deepEqual(when("remote.ip", "10.0.0.1"), [`warning LAT1010 spec.${key}`]);
  });

  it("checks addresses and ports", () => {
    assert.deepEqual(when("source.ip", "10.0.0.0/8", "ten"), broken("rules[0].when[0].values[1]"));
    assert.deepEqual(when("destination.port", "80", "http"), broken("rules[0].when[0].values[1]"));
    assert.deepEqual(when("connection.sni", "a*b"), dubious("rules[0].when[0].values[0]"));
  });

  it("reads the header out of its key", () => {
    assert.equal(headerOfKey("request.headers[X-Token]"), "X-Token");
    assert.equal(headerOfKey("request.headers[a][b]"), undefined);
    assert.equal(headerOfKey("request.auth.claims[a]"), undefined);
  });
});
