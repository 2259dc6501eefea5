import assert from "node:assert/strict";
import { suite, test } from "node:test";
import fc from "fast-check";
import { contentHash, sha256Hex } from "./hash.ts";
import { sha256 } from "./sha256.ts";

suite("contentHash", () => {
  test("never changes: versions must survive a restart and an upgrade", () => {
    assert.equal(contentHash("a", Uint8Array.of(1)), "6Cj1bnn0R8olMZIsYgbV-A");
    assert.equal(contentHash(), "47DEQpj8HBSa-_TImW-5JA");
  });

  test("is 22 characters of base64url", () => {
    fc.assert(fc.property(fc.array(fc.string()), (parts) => assert.match(contentHash(...parts), /^[\w-]{22}$/)));
  });

  test("tells parts apart that run together to the same text", () => {
    assert.notEqual(contentHash("ab", "c"), contentHash("a", "bc"));
    assert.notEqual(contentHash("ab"), contentHash("ab", ""));
    assert.notEqual(contentHash(""), contentHash());
  });

  test("is that of the bytes of a text, whatever it is handed as", () => {
    assert.equal(contentHash("zażółć"), contentHash(new TextEncoder().encode("zażółć")));
  });
});

suite("SHA-256", () => {
  const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"; // FIPS 180-2, appendix B.1

  test("hex and bytes of the standard's example", () => {
    assert.equal(sha256Hex("abc"), abc);
    assert.equal(Buffer.from(sha256(new TextEncoder().encode("abc"))).toString("hex"), abc);
  });
});
