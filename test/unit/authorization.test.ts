// Single policies decide as Istio documents them.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { AuthorizationPolicy } from "../../src/config/authorization-policy/authorization-policy.ts";
import { defaultMeshSettings } from "../../src/model/mesh-settings.ts";
import { simulateInbound } from "../../src/simulate/simulate-inbound.ts";
import { MeshRig } from "../../src/translate/mesh-rig.fake.ts";
import type { ReferenceCall } from "./authorization-reference.fake.ts";
import { ask, letsIn, proxyOf, workload } from "./authorization-world.fake.ts";

describe("single policies", () => {
  const plaintext: ReferenceCall = {
    peer: undefined,
    sourceIp: "10.1.2.3",
    destinationIp: "198.18.1.1",
    port: 80,
    sni: "",
    http: { method: "GET", host: "reviews", path: "/", headers: {} },
  };
  const cart: ReferenceCall = { ...plaintext, peer: { trustDomain: "td.example", namespace: "shop", account: "cart" } };
  const tcp: ReferenceCall = { ...cart, port: 3306, http: undefined };
  const decide = (spec: AuthorizationPolicy, one: ReferenceCall): boolean =>
    letsIn(proxyOf([{ name: "p", namespace: "shop", spec }]), one);
  const from = (source: object) => [{ from: [{ source }] }] as NonNullable<AuthorizationPolicy["rules"]>;
  const to = (operation: object) => [{ to: [{ operation }] }] as NonNullable<AuthorizationPolicy["rules"]>;

  it("P5: plaintext meets no identity, neither by its name nor by not being another", () => {
    for (const source of [
      { principals: ["*"] },
      { notPrincipals: ["td.example/ns/bank/sa/x"] },
      { namespaces: ["*"] },
      { notNamespaces: ["bank"] },
      { serviceAccounts: ["cart"] },
      { notServiceAccounts: ["bank/x"] },
      { trustDomains: ["*"] },
      { notTrustDomains: ["other"] },
    ]) {
      assert.equal(decide({ rules: from(source) }, plaintext), false, JSON.stringify(source));
      assert.equal(decide({ rules: from(source) }, cart), true, JSON.stringify(source));
    }
    assert.equal(
      decide({ action: "DENY", rules: from({ notPrincipals: ["td.example/ns/shop/sa/cart"] }) }, plaintext),
      false,
    );
    assert.equal(
      decide({ action: "DENY", rules: from({ notPrincipals: ["td.example/ns/shop/sa/cart"] }) }, cart),
      true,
    );
  });

  it("P6: HTTP fields on a TCP port never widen ALLOW, and DENY still denies", () => {
    assert.equal(decide({ rules: to({ methods: ["GET"], ports: ["3306"] }) }, tcp), false);
    assert.equal(decide({ rules: to({ ports: ["3306"] }) }, tcp), true);
    assert.equal(decide({ action: "DENY", rules: to({ methods: ["GET"], ports: ["3306"] }) }, tcp), false);
    assert.equal(decide({ action: "DENY", rules: to({ methods: ["GET"], ports: ["80"] }) }, tcp), true);
    for (const paths of [["/x*"], ["*/x"], ["*"]]) assert.equal(decide({ rules: to({ paths }) }, tcp), false);
  });

  it("P7: names are literal", () => {
    const odd = (namespace: string, account: string): ReferenceCall => ({
      ...cart,
      peer: { trustDomain: "td.example", namespace, account },
    });
    for (const [wanted, other] of [
      ["a.b", "aXb"],
      ["a+b", "aab"],
      ["a|b", "a"],
      ["[ab]", "a"],
      ["a\\d", "a1"],
      ["(a)", "a"],
      ["a$", "a"],
    ] as const) {
      for (const source of [
        { serviceAccounts: [`shop/${wanted}`] },
        { principals: [`td.example/ns/shop/sa/${wanted}`] },
      ]) {
        assert.equal(decide({ rules: from(source) }, odd("shop", wanted)), true, wanted);
        assert.equal(decide({ rules: from(source) }, odd("shop", other)), false, wanted);
      }
      assert.equal(decide({ rules: from({ namespaces: [wanted] }) }, odd(other, "cart")), false, wanted);
      assert.equal(decide({ rules: from({ namespaces: [wanted] }) }, odd(wanted, "cart")), true, wanted);
    }
    const header = (value: string) =>
      ({ ...cart, http: { ...plaintext.http, headers: { "x-a": value } } }) as ReferenceCall;
    const when = [{ when: [{ key: "request.headers[x-a]", values: ["a.b"] }] }];
    assert.deepEqual([decide({ rules: when }, header("a.b")), decide({ rules: when }, header("aXb"))], [true, false]);
  });

  it("a header without a value is there", () => {
    const header = (headers: Record<string, string>) =>
      ({ ...cart, http: { ...plaintext.http, headers } }) as ReferenceCall;
    const calls = [{}, { "x-a": "" }, { "x-a": "1" }].map(header);
    const key = "request.headers[x-a]";
    for (const [spec, allowed] of [
      [{ action: "DENY", rules: [{ when: [{ key, values: ["*"] }] }] }, [true, false, false]],
      [{ action: "DENY", rules: [{ when: [{ key, notValues: ["*"] }] }] }, [false, true, true]],
      [{ rules: [{ when: [{ key, values: ["*"] }] }] }, [false, true, true]],
      [{ rules: [{ when: [{ key, notValues: ["*"] }] }] }, [true, false, false]],
    ] as [AuthorizationPolicy, boolean[]][]) {
      assert.deepEqual(
        calls.map((one) => decide(spec, one)),
        allowed,
        JSON.stringify(spec),
      );
    }
  });

  it("P9: a policy without rules allows nothing, an empty rule everything, and no policy everything", () => {
    assert.equal(decide({}, cart), false);
    assert.equal(decide({ rules: [] }, cart), false);
    assert.equal(decide({ rules: [{}] }, plaintext), true);
    assert.equal(decide({ action: "DENY", rules: [{}] }, cart), false);
    assert.equal(letsIn(proxyOf([]), plaintext), true);
  });

  it("P9: DENY comes before ALLOW", () => {
    const spec = (action: "ALLOW" | "DENY") => ({ action, rules: from({ namespaces: ["shop"] }) });
    const view = proxyOf([
      { name: "a", namespace: "shop", spec: spec("ALLOW") },
      { name: "b", namespace: "istio-system", spec: spec("DENY") },
    ]);
    const result = ask(view, cart);
    assert.ok(result.outcome === "denied");
    assert.deepEqual(result.verdict, { allowed: false, action: "DENY", policy: "ns[istio-system]-policy[b]-rule[0]" });
  });

  it("P9: ten thousand rules are one filter", () => {
    const rules = Array.from({ length: 10_000 }, (_, index) => ({ to: [{ operation: { paths: [`/p/${index}`] } }] }));
    const last = { ...cart, http: { method: "GET", host: "reviews", path: "/p/9999", headers: {} } };
    assert.deepEqual([decide({ rules }, last), decide({ rules }, cart)], [true, false]);
  });

  it("P9: a dry run decides nothing, nor does AUDIT; what CUSTOM was to decide is refused", () => {
    const deny: AuthorizationPolicy = { action: "DENY", rules: [{}] };
    assert.equal(decide({ ...deny, action: "AUDIT" }, cart), true);
    const custom = (method: string) =>
      ({ action: "CUSTOM", provider: { name: "opa" }, rules: to({ methods: [method] }) }) as const;
    assert.deepEqual([decide(custom("GET"), cart), decide(custom("POST"), cart)], [false, true]);
    const rig = new MeshRig(defaultMeshSettings);
    rig.put({
      key: { source: "files", group: "test", kind: "AuthorizationPolicy", namespace: "shop", name: "p" },
      meta: { name: "p", namespace: "shop", annotations: { "istio.io/dry-run": "true" } },
      spec: deny,
    });
    assert.equal(
      letsIn(rig.open({ name: "reviews", ...workload, ip: "198.18.1.1" }), { ...tcp, peer: undefined, port: 9999 }),
      true,
    );
  });

  it("hold for what comes by TLS that passes through as for plaintext", () => {
    const rig = new MeshRig(defaultMeshSettings);
    rig.put({
      key: { source: "files", group: "test", kind: "AuthorizationPolicy", namespace: "shop", name: "p" },
      meta: { name: "p", namespace: "shop" },
      spec: { rules: from({ namespaces: ["*"] }) },
    });
    const view = rig.open({ name: "reviews", ...workload, ip: "198.18.1.1" });
    const result = simulateInbound(view, {
      port: 9999,
      transport: { kind: "tls", sni: "x", alpn: ["h2"], peer: "spiffe://cluster.local/ns/shop/sa/cart" },
    });
    assert.deepEqual([result.security.kind, result.outcome], ["passed", "denied"]);
  });

  it("P1: judge the path that the application gets", () => {
    const view = proxyOf([
      { name: "p", namespace: "shop", spec: { action: "DENY", rules: to({ paths: ["/admin*"] }) } },
    ]);
    const judged = (path: string) =>
      letsIn(view, { ...cart, http: { method: "GET", host: "reviews", path, headers: {} } });
    for (const path of ["/admin", "/./admin", "/x/../admin", "/x/%2e%2e/admin", "\\admin", "/x/..\\admin"]) {
      assert.equal(judged(path), false, path);
    }
    // BASE keeps these, and the application gets them as they are.
    for (const path of ["//admin", "/x%2fadmin", "/ADMIN"]) assert.equal(judged(path), true, path);
  });
});
