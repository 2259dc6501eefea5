// Which certificate signing requests are accepted: cheap checks first, cryptography last.
import { createPublicKey, verify } from "node:crypto";
import { type CertificateRequest, parseCertificateRequest } from "../identity/certificate-request.ts";
import { hashOf } from "../identity/signature-algorithm.ts";
import { equalBytes } from "../kernel/bytes.ts";
import { caErrors } from "./errors.ts";

/**
 * Reads a request and checks that its sender holds the key. Names and extensions in it are of no effect.
 *
 * @param ownKeys public keys of the authorities, which nobody else may have (SubjectPublicKeyInfo, DER)
 * @throws LateenError LAT3003 to LAT3006 where it cannot be read, LAT3104 where it proves nothing
 */
export async function acceptRequest(pem: string, ownKeys: readonly Uint8Array[]): Promise<CertificateRequest> {
  const request = parseCertificateRequest(pem);
  if (ownKeys.some((key) => equalBytes(key, request.publicKey))) {
    throw caErrors.requestRefused("the request is for the key of a certificate authority");
  }
  if (!(await hasValidSignature(request))) {
    throw caErrors.requestRefused("the signature of the request does not fit its key");
  }
  return request;
}

function hasValidSignature(request: CertificateRequest): Promise<boolean> {
  return new Promise((resolve) => {
    try {
      // Throws where the point is not on its curve.
      const key = createPublicKey({ key: Buffer.from(request.publicKey), format: "der", type: "spki" });
      verify(hashOf(request.algorithm), request.signedBytes, key, request.signature, (error, valid) => {
        resolve(error === null && valid);
      });
    } catch {
      resolve(false);
    }
  });
}
