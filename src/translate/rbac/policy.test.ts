import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { AuthorizationPolicy } from "../../config/authorization-policy/authorization-policy.ts";
import type { Config } from "../../config/object.ts";
import { authorizationFor } from "../../model/authorization.ts";
import { buildRules } from "./policy.ts";

const mesh = { trustDomain: "cluster.local", trustDomainAliases: [] };

function policy(spec: AuthorizationPolicy): Config<AuthorizationPolicy>[] {
  const key = {
    source: "files",
    group: "security.istio.io",
    kind: "AuthorizationPolicy",
    namespace: "shop",
    name: "p",
  };
  return [{ key, meta: { name: "p", namespace: "shop" }, spec }];
}

const names = (spec: AuthorizationPolicy, action: "ALLOW" | "DENY", http = true): string[] =>
  Object.keys(buildRules(policy(spec), action, http, mesh)?.policies ?? {});

describe("rules that proxies cannot carry out", () => {
  it("never widen an ALLOW policy: a source of unknown conditions allows nobody", () => {
    assert.deepEqual(names({ rules: [{ from: [{ source: { requestPrincipals: ["*"] } }] }] }, "ALLOW"), []);
    assert.deepEqual(names({ rules: [{ from: [{ source: { remoteIpBlocks: ["10.0.0.0/8"] } }] }] }, "ALLOW"), []);
  });

  it("never widen an ALLOW policy: an unknown attribute allows nothing", () => {
    const when = [{ key: "request.auth.claims[group]", values: ["admin"] }];
    assert.deepEqual(names({ rules: [{ when }] }, "ALLOW"), []);
  });

  it("leave the sources that are known", () => {
    const from = [{ source: { requestPrincipals: ["*"] } }, { source: { namespaces: ["shop"] } }];
    const rules = buildRules(policy({ rules: [{ from }] }), "ALLOW", true, mesh);
    assert.equal(rules?.policies["ns[shop]-policy[p]-rule[0]"]?.principals.length, 1);
  });

  it("still deny", () => {
    assert.equal(names({ rules: [{ from: [{ source: { requestPrincipals: ["*"] } }] }] }, "DENY").length, 1);
  });
});

describe("HTTP conditions on a TCP port", () => {
  const spec: AuthorizationPolicy = { rules: [{ to: [{ operation: { methods: ["GET"], ports: ["3306"] } }] }] };

  it("never match in ALLOW", () => assert.deepEqual(names(spec, "ALLOW", false), []));
  it("are left out in DENY, which then denies more", () => assert.equal(names(spec, "DENY", false).length, 1));
});

it("an ALLOW policy without rules allows nothing, which is not the same as no policy", () => {
  assert.deepEqual(buildRules(policy({}), "ALLOW", true, mesh)?.policies, {});
  assert.equal(buildRules([], "ALLOW", true, mesh), undefined);
});

it("a CUSTOM policy, whose provider cannot be asked yet, refuses what it matches", () => {
  const [custom] = policy({ action: "CUSTOM", provider: { name: "opa" }, rules: [{}] });
  assert.deepEqual(authorizationFor(custom === undefined ? [] : [custom], {}), { deny: [custom], allow: [] });
});
