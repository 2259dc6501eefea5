// Signers with real keys.
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import type { SignatureAlgorithm } from "./signature-algorithm.ts";
import type { Signer } from "./signer.ts";

export interface FakeSigner extends Signer {
  readonly privateKey: KeyObject;
}

export function ecSigner(namedCurve = "P-256", algorithm: SignatureAlgorithm = "ecdsa-sha256"): FakeSigner {
  return signerOf(generateKeyPairSync("ec", { namedCurve }), algorithm);
}

/** Slow: hundreds of milliseconds for 2048 bits. */
export function rsaSigner(bits = 2048, algorithm: SignatureAlgorithm = "rsa-sha256", exponent = 65_537): FakeSigner {
  return signerOf(generateKeyPairSync("rsa", { modulusLength: bits, publicExponent: exponent }), algorithm);
}

export function signerOf(
  pair: { publicKey: KeyObject; privateKey: KeyObject },
  algorithm: SignatureAlgorithm,
): FakeSigner {
  return {
    algorithm,
    publicKey: new Uint8Array(pair.publicKey.export({ type: "spki", format: "der" })),
    privateKey: pair.privateKey,
    sign: async (bytes) => new Uint8Array(sign(algorithm.split("-")[1], bytes, pair.privateKey)),
  };
}
