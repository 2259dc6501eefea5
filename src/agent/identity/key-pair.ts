// Keys are made on the machine and never leave it: one ECDSA P-256 key per certificate.
import { generateKeyPair, type KeyObject, sign } from "node:crypto";
import { promisify } from "node:util";
import type { Signer } from "../../identity/signer.ts";
import { Secret } from "../../kernel/secret.ts";

export interface KeyPair {
  readonly signer: Signer;
  /** PKCS#8 in PEM. */
  readonly privateKey: Secret<string>;
}

const generate = promisify(generateKeyPair);

export async function createKeyPair(): Promise<KeyPair> {
  const { publicKey, privateKey } = await generate("ec", { namedCurve: "P-256" });
  return {
    signer: signerOf(publicKey, privateKey),
    privateKey: new Secret(privateKey.export({ type: "pkcs8", format: "pem" }) as string),
  };
}

function signerOf(publicKey: KeyObject, privateKey: KeyObject): Signer {
  return {
    algorithm: "ecdsa-sha256",
    publicKey: new Uint8Array(publicKey.export({ type: "spki", format: "der" })),
    sign: async (bytes) => new Uint8Array(sign("sha256", bytes, privateKey)),
  };
}
