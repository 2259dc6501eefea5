import assert from "node:assert/strict";
import { createHash, generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import { assertSurvives, mutatedBytes } from "../kernel/mutation.fake.ts";
import { keyIdOf, publicKeyPin, readPublicKey } from "./public-key.ts";
import { ecSigner, rsaSigner } from "./signer.fake.ts";

const p256 = ecSigner().publicKey;
const rsa = rsaSigner(2048).publicKey;

function spkiOf(type: string, options: object): Uint8Array {
  const { publicKey } = generateKeyPairSync(type as "ec", options as { namedCurve: string });
  return new Uint8Array(publicKey.export({ type: "spki", format: "der" }));
}

test("the accepted keys", () => {
  assert.deepEqual(readPublicKey(p256), { kind: "ec", curve: "P-256" });
  assert.deepEqual(readPublicKey(ecSigner("P-384").publicKey), { kind: "ec", curve: "P-384" });
  assert.deepEqual(readPublicKey(rsa), { kind: "rsa", bits: 2048 });
});

test("C4: weak, odd and unusual keys are refused before any cryptography", () => {
  const wrong: Record<string, Uint8Array> = {
    "RSA 512": spkiOf("rsa", { modulusLength: 512 }),
    "RSA 1024": spkiOf("rsa", { modulusLength: 1024 }),
    "RSA exponent 3": spkiOf("rsa", { modulusLength: 2048, publicExponent: 3 }),
    "P-224": spkiOf("ec", { namedCurve: "secp224r1" }),
    "P-521": spkiOf("ec", { namedCurve: "secp521r1" }),
    secp256k1: spkiOf("ec", { namedCurve: "secp256k1" }),
    "explicit parameters": spkiOf("ec", { namedCurve: "P-256", paramEncoding: "explicit" }),
    Ed25519: spkiOf("ed25519", {}),
    Ed448: spkiOf("ed448", {}),
    X25519: spkiOf("x25519", {}),
    "RSA-PSS": spkiOf("rsa-pss", { modulusLength: 2048 }),
  };
  for (const [name, spki] of Object.entries(wrong)) {
    assert.throws(() => readPublicKey(spki), { code: "LAT3006" }, name);
  }
});

test("C4, T16: an RSA modulus of 16,384 bits or an exponent over 32 bits is refused by its size", () => {
  assert.throws(() => readPublicKey(rsaKey(16_384, [1, 0, 1])), { code: /LAT300[46]/ });
  assert.throws(() => readPublicKey(rsaKey(4104, [1, 0, 1])), { code: "LAT3006" });
  assert.throws(() => readPublicKey(rsaKey(2048, [1, 0, 0, 0, 1])), { code: "LAT3006" });
  assert.throws(() => readPublicKey(rsaKey(2048, [1, 0, 0])), { code: "LAT3006" });
  assert.deepEqual(readPublicKey(rsaKey(4096, [1, 0, 1])), { kind: "rsa", bits: 4096 });
});

function rsaKey(bits: number, exponent: number[]): Uint8Array {
  const value = (tag: number, content: number[]): number[] => {
    const length = content.length;
    const head = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
    return [tag, ...head, ...content];
  };
  const modulus = value(2, [0, ...Array<number>(bits / 8).fill(0xff)]);
  const key = value(0x30, [...modulus, ...value(2, exponent)]);
  const algorithm = [...Buffer.from("300d06092a864886f70d0101010500", "hex")];
  return new Uint8Array(value(0x30, [...algorithm, ...value(3, [0, ...key])]));
}

test("a compressed or truncated point is refused", () => {
  const compressed = new Uint8Array(
    Buffer.from(`3039301306072a8648ce3d020106082a8648ce3d03010703220002${"11".repeat(32)}`, "hex"),
  );
  assert.throws(() => readPublicKey(compressed), { code: "LAT3006" });
});

test("the pin is the RFC 7469 digest, the key id is the one of RFC 7093", () => {
  assert.equal(publicKeyPin(p256), createHash("sha256").update(p256).digest("base64url"));
  const point = p256.subarray(p256.length - 65);
  assert.deepEqual(Buffer.from(keyIdOf(p256)), createHash("sha256").update(point).digest().subarray(0, 20));
});

test("10,000 damaged keys are read or refused", () => {
  assertSurvives(mutatedBytes(p256, rsa), readPublicKey);
});
