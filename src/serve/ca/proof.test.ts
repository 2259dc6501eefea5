import assert from "node:assert/strict";
import { test } from "node:test";
import { parseSpiffeId, workloadSpiffeId } from "../../identity/spiffe-id.ts";
import { parseTrustDomain } from "../../identity/trust-domain.ts";
import type { Peer } from "../peer.ts";
import { certificateProof, type ProofOptions, tokenProof } from "./proof.ts";

const trustDomain = parseTrustDomain("cluster.local");
const id = workloadSpiffeId(trustDomain, "shop", "reviews");
const verified = (...ids: string[]): Peer => ({
  kind: "verified",
  identities: ids.map(parseSpiffeId),
  expiresAtMs: 0,
  serialNumber: "1",
});

test("a certificate proves exactly one workload of the trust domain", () => {
  assert.equal(certificateProof({ peer: verified(id), address: "" }, trustDomain), id);
  const wrong: Peer[] = [
    { kind: "plaintext" },
    { kind: "anonymous" },
    verified(),
    verified(id, id),
    verified(id, "spiffe://cluster.local/ns/shop/sa/other"),
    verified("spiffe://other.example/ns/shop/sa/reviews"),
    verified("spiffe://cluster.local/admin"),
    verified("spiffe://cluster.local"),
  ];
  for (const peer of wrong) {
    assert.throws(() => certificateProof({ peer, address: "" }, trustDomain), { code: "LAT3201" });
  }
});

test("tokens are looked at only over TLS and only in one form of header", async () => {
  const shown: string[] = [];
  const options: ProofOptions = {
    trustDomain,
    tokens: {
      verify: async (text) => {
        shown.push(text);
        return { id: "x", namespace: "shop", group: "gone" };
      },
      consume: async () => assert.fail("a proof takes nothing"),
    },
    groupOf: () => undefined,
  };
  const prove = (peer: Peer, authorization?: string): Promise<unknown> =>
    tokenProof({ peer, address: "" }, new Headers(authorization === undefined ? {} : { authorization }), options);
  await assert.rejects(prove({ kind: "plaintext" }, "Bearer abc"), { code: "LAT3201" });
  for (const header of [undefined, "", "Bearer", "Basic abc", "abc", "Bearer a b", `Bearer ${"x".repeat(20_000)}`]) {
    await assert.rejects(prove({ kind: "anonymous" }, header), { code: "LAT3201" });
  }
  assert.deepEqual(shown, []);
  await assert.rejects(prove({ kind: "anonymous" }, "Bearer abc"), { code: "LAT3202" });
  await assert.rejects(prove({ kind: "anonymous" }, "bearer abc"), { code: "LAT3202" });
  assert.deepEqual(shown, ["abc", "abc"]);
});
