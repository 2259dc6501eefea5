import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { assertSurvives, mutatedText } from "../kernel/mutation.fake.ts";
import { parseSpiffeId, trustDomainOf, trustDomainSpiffeId, workloadOf, workloadSpiffeId } from "./spiffe-id.ts";
import { parseTrustDomain } from "./trust-domain.ts";

const domain = parseTrustDomain("cluster.local");

test("a workload's id has Istio's form and is read back into its parts", () => {
  const id = workloadSpiffeId(domain, "shop", "reviews.v2");
  assert.equal(id, "spiffe://cluster.local/ns/shop/sa/reviews.v2");
  assert.equal(parseSpiffeId(id), id);
  assert.equal(trustDomainOf(id), "cluster.local");
  assert.deepEqual(workloadOf(id), { namespace: "shop", serviceAccount: "reviews.v2" });
});

test("ids the SPIFFE standard allows are read as they are", () => {
  for (const text of [
    "spiffe://example.org",
    "spiffe://example.org/a",
    "spiffe://my_domain-1/Path.With_Every-char/...",
    "spiffe://1.2.3.4/ns/x",
    `spiffe://e/${"a".repeat(2036)}`,
  ]) {
    assert.equal(parseSpiffeId(text), text);
  }
  assert.equal(trustDomainSpiffeId(domain), "spiffe://cluster.local");
  assert.equal(workloadOf(parseSpiffeId("spiffe://example.org/ns/shop/sa/x/more")), undefined);
  assert.equal(workloadOf(parseSpiffeId("spiffe://example.org/ns/Shop/sa/x")), undefined);
});

test("C2: spellings that are not one exact identity are refused", () => {
  for (const text of [
    "",
    "spiffe:",
    "spiffe://",
    "SPIFFE://example.org/a",
    "Spiffe://example.org/a",
    "spiffe:/example.org/a",
    "http://example.org/a",
    "spiffe://Example.org/a",
    "spiffe:///a",
    "spiffe://example.org/",
    "spiffe://example.org//a",
    "spiffe://example.org/a/",
    "spiffe://example.org/a//b",
    "spiffe://example.org/./a",
    "spiffe://example.org/../a",
    "spiffe://example.org/a/..",
    "spiffe://example.org/%2e%2e/a",
    "spiffe://example.org/a%2fb",
    "spiffe://example.org:8080/a",
    "spiffe://user@example.org/a",
    "spiffe://user:pw@example.org/a",
    "spiffe://example.org/a?x=1",
    "spiffe://example.org?x",
    "spiffe://example.org/a#f",
    "spiffe://example.org/a\0",
    "spiffe://example.org\0/a",
    "spiffe://example.org/a b",
    "spiffe://example.org/a\n",
    " spiffe://example.org/a",
    "spiffe://exämple.org/a",
    "spiffe://example.org/ä",
    "spiffe://example.org/\u202ea",
    "spiffe://[::1]/a",
    "spiffe://example.org\\a",
    `spiffe://example.org/${"a".repeat(2049 - 21)}`,
    `spiffe://${"a".repeat(256)}/x`,
  ]) {
    assert.throws(() => parseSpiffeId(text), { code: "LAT3002" }, JSON.stringify(text.slice(0, 60)));
  }
});

test("T15: names with path characters never become part of an id", () => {
  for (const name of ["", ".", "..", "a/b", "../x", "a%2fb", "a\0b", "A", "a..b", "-a", "a-", "ü", "a".repeat(254)]) {
    assert.throws(() => workloadSpiffeId(domain, name, "x"), { code: "LAT3002" }, name);
    assert.throws(() => workloadSpiffeId(domain, "x", name), { code: "LAT3002" }, name);
  }
  assert.throws(() => workloadSpiffeId(domain, "a.b", "x"), { code: "LAT3002" });
  assert.throws(() => workloadSpiffeId(domain, "a".repeat(64), "x"), { code: "LAT3002" });
});

test("trust domains are exact too", () => {
  for (const text of ["", "Cluster.local", "a b", "a/b", "a:1", "spiffe://a", "é", "a".repeat(256)]) {
    assert.throws(() => parseTrustDomain(text), { code: "LAT3001" }, text);
  }
  assert.equal(parseTrustDomain("a_b-c.9"), "a_b-c.9");
});

test("10,000 damaged ids: each is read unchanged or refused", () => {
  assertSurvives(mutatedText("spiffe://cluster.local/ns/shop/sa/reviews", "spiffe://example.org"), (text) => {
    assert.equal(parseSpiffeId(text), text);
    assert.match(text, /^spiffe:\/\/[a-z0-9._-]+(?:\/[a-zA-Z0-9._-]+)*$/);
  });
  assertSurvives(mutatedText("cluster.local"), parseTrustDomain);
});

test("whatever names make an id, the id gives the same names back", () => {
  const word = fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?$/);
  fc.assert(
    fc.property(word, word, (namespace, serviceAccount) => {
      const id = workloadSpiffeId(domain, namespace, serviceAccount);
      assert.deepEqual(workloadOf(parseSpiffeId(id)), { namespace, serviceAccount });
    }),
  );
});
