// The signature algorithms that are made and accepted: what Envoy's BoringSSL takes in TLS, without SHA-1 and PSS.
import { AlgorithmIdentifier } from "@peculiar/asn1-x509";

export type SignatureAlgorithm =
  | "ecdsa-sha256"
  | "ecdsa-sha384"
  | "ecdsa-sha512"
  | "rsa-sha256"
  | "rsa-sha384"
  | "rsa-sha512";

/** RFC 5758 §3.2 (ECDSA, no parameters) and RFC 4055 §5 (PKCS#1 v1.5, NULL parameters). */
const objectIds: Record<SignatureAlgorithm, string> = {
  "ecdsa-sha256": "1.2.840.10045.4.3.2",
  "ecdsa-sha384": "1.2.840.10045.4.3.3",
  "ecdsa-sha512": "1.2.840.10045.4.3.4",
  "rsa-sha256": "1.2.840.113549.1.1.11",
  "rsa-sha384": "1.2.840.113549.1.1.12",
  "rsa-sha512": "1.2.840.113549.1.1.13",
};

const byObjectId = new Map(Object.entries(objectIds).map(([name, id]) => [id, name as SignatureAlgorithm]));

export function algorithmIdentifier(algorithm: SignatureAlgorithm): AlgorithmIdentifier {
  const id = objectIds[algorithm];
  return isRsa(algorithm)
    ? new AlgorithmIdentifier({ algorithm: id, parameters: null })
    : new AlgorithmIdentifier({ algorithm: id });
}

/** `undefined` where the algorithm is not accepted or has parameters that it must not have. */
export function signatureAlgorithmOf(identifier: AlgorithmIdentifier): SignatureAlgorithm | undefined {
  const algorithm = byObjectId.get(identifier.algorithm);
  if (algorithm === undefined) return undefined;
  const parameters = identifier.parameters ?? undefined;
  return parameters === undefined || (isRsa(algorithm) && isNull(parameters)) ? algorithm : undefined;
}

/** `sha256`, `sha384` or `sha512`. */
export function hashOf(algorithm: SignatureAlgorithm): string {
  return algorithm.slice(algorithm.indexOf("-") + 1);
}

export function isRsa(algorithm: SignatureAlgorithm): boolean {
  return algorithm.startsWith("rsa-");
}

function isNull(parameters: ArrayBuffer): boolean {
  const bytes = new Uint8Array(parameters);
  return bytes.length === 2 && bytes[0] === 0x05 && bytes[1] === 0x00;
}
