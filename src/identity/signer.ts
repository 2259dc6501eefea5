// A private key as the formats see it: something that signs. The key itself never enters this folder.
import type { SignatureAlgorithm } from "./signature-algorithm.ts";

export interface Signer {
  readonly algorithm: SignatureAlgorithm;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array;
  /** Hashes and signs; ECDSA signatures in DER (RFC 3279 §2.2.3). */
  sign(bytes: Uint8Array): Promise<Uint8Array>;
}
