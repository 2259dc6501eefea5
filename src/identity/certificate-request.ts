// Certificate signing requests, PKCS#10 (RFC 2986): made by machines, read by the certificate authority.

import { Attributes, CertificationRequest, CertificationRequestInfo } from "@peculiar/asn1-csr";
import { AsnConvert } from "@peculiar/asn1-schema";
import { Name, SubjectPublicKeyInfo } from "@peculiar/asn1-x509";
import { checkDer, derBitString, derSequence } from "./der.ts";
import { identityErrors } from "./errors.ts";
import { decodePem, encodePem } from "./pem.ts";
import { type PublicKeyInfo, readPublicKey } from "./public-key.ts";
import { algorithmIdentifier, isRsa, type SignatureAlgorithm, signatureAlgorithmOf } from "./signature-algorithm.ts";
import type { Signer } from "./signer.ts";

export interface CertificateRequest {
  /** The exact bytes that the request's signature is over. */
  readonly signedBytes: Uint8Array;
  readonly algorithm: SignatureAlgorithm;
  /** ECDSA signatures in DER. */
  readonly signature: Uint8Array;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array;
  readonly key: PublicKeyInfo;
}

/** An RSA-4096 request without attributes has 1.3 KB; what clients add is ignored anyway. */
const derLimit = 16 << 10;
const pemLimit = 24 << 10;

/**
 * Makes a request that asks for nothing but a certificate for the key: subject and names are the authority's to give.
 *
 * @returns PEM
 */
export async function createCertificateRequest(signer: Signer): Promise<string> {
  const info = new CertificationRequestInfo({
    version: 0,
    subject: new Name(),
    subjectPKInfo: AsnConvert.parse(signer.publicKey, SubjectPublicKeyInfo),
    attributes: new Attributes(),
  });
  const signed = new Uint8Array(AsnConvert.serialize(info));
  const algorithm = new Uint8Array(AsnConvert.serialize(algorithmIdentifier(signer.algorithm)));
  const der = derSequence(signed, algorithm, derBitString(await signer.sign(signed)));
  return encodePem("CERTIFICATE REQUEST", der);
}

/**
 * Reads a request. Subject, attributes and the names in them are parsed only to be ignored. The signature is not checked
 * here.
 *
 * @throws LateenError LAT3003 (PEM), LAT3004 (DER), LAT3005 (request) or LAT3006 (key)
 */
export function parseCertificateRequest(pem: string): CertificateRequest {
  const [der = new Uint8Array()] = decodePem("CERTIFICATE REQUEST", pem, { length: pemLimit });
  checkDer(der, { bytes: derLimit });
  let request: CertificationRequest;
  let publicKey: Uint8Array;
  try {
    request = AsnConvert.parse(der, CertificationRequest);
    publicKey = new Uint8Array(AsnConvert.serialize(request.certificationRequestInfo.subjectPKInfo));
  } catch (cause) {
    throw identityErrors.badRequest("the text is not a PKCS#10 request", { cause });
  }
  const signed = request.certificationRequestInfoRaw;
  if (signed === undefined || request.certificationRequestInfo.version !== 0) {
    throw identityErrors.badRequest("the request is not of PKCS#10 version 1");
  }
  const key = readPublicKey(publicKey);
  const algorithm = signatureAlgorithmOf(request.signatureAlgorithm);
  if (algorithm === undefined || isRsa(algorithm) !== (key.kind === "rsa")) {
    throw identityErrors.badRequest("the request is signed with an algorithm that is not accepted for its key", {
      remedy: "Sign it with ECDSA or RSA PKCS#1 v1.5, and SHA-256, SHA-384 or SHA-512.",
    });
  }
  return {
    signedBytes: new Uint8Array(signed),
    algorithm,
    signature: new Uint8Array(request.signature),
    publicKey,
    key,
  };
}
