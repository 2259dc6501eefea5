import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { SubjectAltNameMatcher_SanType as SanType } from "../../../gen/envoy/extensions/transport_sockets/tls/v3/common_pb.ts";
import { exactSan } from "./san-matcher.ts";

/** Type and text of the matcher. */
function matcherOf(san: string): [string | undefined, string] {
  const { sanType, matcher } = exactSan(san);
  const pattern = (matcher as { matchPattern: { case: string; value: string } }).matchPattern;
  assert.equal(pattern.case, "exact");
  const type = Object.entries(SanType).find(([, value]) => value === sanType);
  return [type?.[0], pattern.value];
}

describe("a name that a certificate must hold", () => {
  it("is a DNS name", () => {
    for (const name of ["api.example.com", "*.example.com", "localhost"])
      assert.deepEqual(matcherOf(name), ["DNS", name]);
  });

  it("is a URI of any scheme", () => {
    for (const name of [
      "spiffe://cluster.local/ns/a/sa/b",
      "urn:foo:bar",
      "https://a.example/",
      "tag:a@b.example,2020:x",
    ])
      assert.deepEqual(matcherOf(name), ["URI", name]);
  });

  it("is an e-mail address", () => {
    assert.deepEqual(matcherOf("admin@example.com"), ["EMAIL", "admin@example.com"]);
  });

  it("is an IP address, as Envoy spells those of certificates", () => {
    assert.deepEqual(matcherOf("203.0.113.1"), ["IP_ADDRESS", "203.0.113.1"]);
    assert.deepEqual(matcherOf("2001:DB8:0:0::1"), ["IP_ADDRESS", "2001:db8::1"]);
  });
});
