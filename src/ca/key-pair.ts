// Private keys of the control plane: made, kept and used by OpenSSL.
import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject, sign } from "node:crypto";
import { promisify } from "node:util";
import { decodePem } from "../identity/pem.ts";
import { readPublicKey } from "../identity/public-key.ts";
import { hashOf, type SignatureAlgorithm } from "../identity/signature-algorithm.ts";
import type { Signer } from "../identity/signer.ts";
import { Secret } from "../kernel/secret.ts";

export interface KeyPair {
  readonly signer: Signer;
  /** PKCS#8 PEM. */
  readonly pem: Secret<string>;
}

const generate = promisify(generateKeyPair);

/** A new key on P-256. */
export async function generateP256(): Promise<KeyPair> {
  const { privateKey } = await generate("ec", { namedCurve: "P-256" });
  return keyPairOf(privateKey);
}

/**
 * Reads a PKCS#8 PEM.
 *
 * @throws LateenError LAT3003 or LAT3006, or an error of OpenSSL where the bytes are no key
 */
export function readKeyPair(pem: string): KeyPair {
  const [der = new Uint8Array()] = decodePem("PRIVATE KEY", pem);
  return keyPairOf(createPrivateKey({ key: Buffer.from(der), format: "der", type: "pkcs8" }));
}

function keyPairOf(privateKey: KeyObject): KeyPair {
  const spki = createPublicKey(privateKey).export({ type: "spki", format: "der" });
  const publicKey = new Uint8Array(spki);
  const info = readPublicKey(publicKey);
  const algorithm: SignatureAlgorithm =
    info.kind === "rsa" ? "rsa-sha256" : info.curve === "P-256" ? "ecdsa-sha256" : "ecdsa-sha384";
  const hash = hashOf(algorithm);
  return {
    // On a thread of libuv's pool, so that a burst of requests does not stall the event loop.
    signer: { algorithm, publicKey, sign: (bytes) => signOnThread(hash, bytes, privateKey) },
    pem: new Secret(privateKey.export({ type: "pkcs8", format: "pem" })),
  };
}

function signOnThread(hash: string, bytes: Uint8Array, key: KeyObject): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    sign(hash, bytes, key, (error, signature) => (error ? reject(error) : resolve(new Uint8Array(signature))));
  });
}
