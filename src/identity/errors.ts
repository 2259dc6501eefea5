// What can be wrong with an identity document, whoever sent it.
import { defineErrors } from "../kernel/error.ts";

export const identityErrors = defineErrors({
  badTrustDomain: {
    code: "LAT3001",
    meaning: "A trust domain is not a name the SPIFFE standard allows.",
    remedy: "Use lower-case letters, digits, '.', '-' and '_', at most 255 characters, without scheme, port or path.",
  },
  badSpiffeId: {
    code: "LAT3002",
    meaning: "A SPIFFE id is malformed, or does not name a workload as spiffe://TRUST-DOMAIN/ns/NAMESPACE/sa/ACCOUNT.",
    remedy: "Check the namespace and the service account; SPIFFE ids are never normalised, so they must be exact.",
  },
  badPem: {
    code: "LAT3003",
    meaning: "A PEM text is malformed, too large, or holds other blocks than expected.",
    remedy: "Send unencrypted PEM (RFC 7468) with Unix line ends and nothing between or after the blocks.",
  },
  badDer: {
    code: "LAT3004",
    meaning: "Binary data is not the distinguished encoding (DER) of what was expected.",
    remedy: "Encode it with a standard tool, such as OpenSSL, and send it without changes.",
  },
  badRequest: {
    code: "LAT3005",
    meaning: "A certificate signing request is malformed or too large.",
    remedy: "Send a PKCS#10 request (RFC 2986) of at most 16 KiB, with the key and nothing else.",
  },
  badPublicKey: {
    code: "LAT3006",
    meaning: "A public key has a type, curve or size that is not accepted.",
    remedy: "Use ECDSA with P-256 or P-384, or RSA with 2048 to 4096 bits and an exponent from 65537.",
  },
  badCertificate: {
    code: "LAT3007",
    meaning: "A certificate is malformed, or would break the rules of X509-SVIDs if it were issued.",
    remedy: "Check who made the certificate; Lateen's own follow the SPIFFE X509-SVID standard.",
  },
  badJoinToken: {
    code: "LAT3008",
    meaning: "A text is not a join token.",
    remedy:
      "Copy the whole token as lateen token create printed it; it starts with lateen1. and has four parts separated by dots.",
  },
});
