import assert from "node:assert/strict";
import { createPublicKey, verify } from "node:crypto";
import { test } from "node:test";
import { assertSurvives, mutatedBytes } from "../kernel/mutation.fake.ts";
import { createCertificateRequest, parseCertificateRequest } from "./certificate-request.ts";
import { greedyRequest } from "./greedy-request.fake.ts";
import { decodePem, encodePem } from "./pem.ts";
import { hashOf } from "./signature-algorithm.ts";
import { ecSigner, rsaSigner } from "./signer.fake.ts";

const signer = ecSigner();
const pem = await createCertificateRequest(signer);
const der = decodePem("CERTIFICATE REQUEST", pem)[0] as Uint8Array;

test("what is made is read back, and the signature is over the bytes given out", async () => {
  for (const made of [signer, ecSigner("P-384", "ecdsa-sha384"), rsaSigner(2048, "rsa-sha512")]) {
    const request = parseCertificateRequest(await createCertificateRequest(made));
    assert.deepEqual(request.publicKey, made.publicKey);
    assert.equal(request.algorithm, made.algorithm);
    const key = createPublicKey({ key: Buffer.from(request.publicKey), format: "der", type: "spki" });
    assert.ok(verify(hashOf(request.algorithm), request.signedBytes, key, request.signature));
  }
});

test("C1, C3: a request full of names and extensions gives nothing but its key", () => {
  const request = parseCertificateRequest(greedyRequest);
  assert.deepEqual(Object.keys(request).sort(), ["algorithm", "key", "publicKey", "signature", "signedBytes"]);
  assert.deepEqual(request.key, { kind: "ec", curve: "P-256" });
});

test("C3: 100 KB of attributes are refused by size", () => {
  const padded = encodePem("CERTIFICATE REQUEST", new Uint8Array(100_000).fill(0x30));
  assert.throws(() => parseCertificateRequest(padded), { code: "LAT3003" });
});

test("other PEM, several requests and certificates are refused", () => {
  assert.throws(() => parseCertificateRequest(pem + pem), { code: "LAT3003" });
  assert.throws(() => parseCertificateRequest(encodePem("CERTIFICATE", der)), { code: "LAT3003" });
  assert.throws(() => parseCertificateRequest(encodePem("CERTIFICATE REQUEST", new Uint8Array([0x30, 0]))), {
    code: "LAT3005",
  });
  assert.throws(() => parseCertificateRequest(encodePem("CERTIFICATE REQUEST", new Uint8Array([...der, 0]))), {
    code: "LAT3004",
  });
});

test("C4: SHA-1, PSS and a signature of another kind of key are refused", () => {
  const replaceAlgorithm = (from: string, to: string): string => {
    const hex = Buffer.from(der).toString("hex");
    assert.ok(hex.includes(from));
    return encodePem("CERTIFICATE REQUEST", new Uint8Array(Buffer.from(hex.replace(from, to), "hex")));
  };
  const ecdsaSha256 = "06082a8648ce3d040302";
  assert.throws(() => parseCertificateRequest(replaceAlgorithm(ecdsaSha256, "06082a8648ce3d040301")), {
    code: "LAT3005",
  });
  assert.throws(() => parseCertificateRequest(replaceAlgorithm(ecdsaSha256, "06082a8648ce3d040309")), {
    code: "LAT3005",
  });
});

test("10,000 damaged requests are read or refused", () => {
  const rsa = decodePem("CERTIFICATE REQUEST", greedyRequest)[0] as Uint8Array;
  assertSurvives(mutatedBytes(der, rsa), (bytes) => parseCertificateRequest(encodePem("CERTIFICATE REQUEST", bytes)));
});
