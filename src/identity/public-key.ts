// Subject public keys: which are accepted, decided from their bytes before any cryptography.
import { ECParameters } from "@peculiar/asn1-ecc";
import { AsnConvert } from "@peculiar/asn1-schema";
import { SubjectPublicKeyInfo } from "@peculiar/asn1-x509";
import { base64url } from "../kernel/bytes.ts";
import { sha256 } from "../kernel/sha256.ts";
import { checkDer, derChildren } from "./der.ts";
import { identityErrors } from "./errors.ts";

export type PublicKeyInfo =
  | { readonly kind: "ec"; readonly curve: "P-256" | "P-384" }
  | { readonly kind: "rsa"; readonly bits: number };

/** An RSA key of 4096 bits has 550 bytes. */
const lengthLimit = 1024;
const ecPublicKey = "1.2.840.10045.2.1";
const rsaEncryption = "1.2.840.113549.1.1.1";
/** Length of an uncompressed point, bytes. */
const curves = new Map([
  ["1.2.840.10045.3.1.7", { curve: "P-256", pointLength: 65 }],
  ["1.3.132.0.34", { curve: "P-384", pointLength: 97 }],
] as const);
const rsaBits = { least: 2048, most: 4096 };
/** FIPS 186-5 §5.4 wants at least 65537; larger than 32 bits only costs time. */
const rsaExponent = { least: 65_537, most: 2 ** 32 - 1 };

/**
 * Reads a SubjectPublicKeyInfo. Whether an EC point is on its curve is for the cryptographic library to say.
 *
 * @throws LateenError LAT3004 or LAT3006
 */
export function readPublicKey(spki: Uint8Array): PublicKeyInfo {
  checkDer(spki, { bytes: lengthLimit });
  let parsed: SubjectPublicKeyInfo;
  try {
    parsed = AsnConvert.parse(spki, SubjectPublicKeyInfo);
  } catch (cause) {
    throw identityErrors.badPublicKey("the public key is not a SubjectPublicKeyInfo", { cause });
  }
  const key = new Uint8Array(parsed.subjectPublicKey);
  const { algorithm, parameters } = parsed.algorithm;
  if (algorithm === ecPublicKey) return readEcKey(parameters ?? undefined, key);
  if (algorithm === rsaEncryption) return readRsaKey(key);
  throw identityErrors.badPublicKey(`keys of the algorithm ${algorithm.slice(0, 64)} are not accepted`);
}

function readEcKey(parameters: ArrayBuffer | undefined, point: Uint8Array): PublicKeyInfo {
  let oid: string | undefined;
  try {
    oid = parameters === undefined ? undefined : AsnConvert.parse(parameters, ECParameters).namedCurve;
  } catch {
    oid = undefined;
  }
  const known = curves.get((oid ?? "") as "1.3.132.0.34");
  if (known === undefined) {
    throw identityErrors.badPublicKey(`the curve ${oid?.slice(0, 64) ?? "without a name"} is not accepted`);
  }
  if (point.length !== known.pointLength || point[0] !== 0x04) {
    throw identityErrors.badPublicKey(`the key is not an uncompressed point of ${known.curve}`);
  }
  return { kind: "ec", curve: known.curve };
}

function readRsaKey(key: Uint8Array): PublicKeyInfo {
  try {
    checkDer(key, { bytes: lengthLimit, depth: 1 });
  } catch (cause) {
    throw identityErrors.badPublicKey("the RSA key is not encoded in DER", { cause });
  }
  const [modulus, exponent, ...rest] = key[0] === 0x30 ? derChildren(key) : [];
  if (modulus?.tag !== 0x02 || exponent?.tag !== 0x02 || rest.length > 0) {
    throw identityErrors.badPublicKey("the RSA key is not a modulus and an exponent");
  }
  const bits = bitLength(modulus.content);
  if (bits < rsaBits.least || bits > rsaBits.most || ((modulus.content.at(-1) ?? 0) & 1) === 0) {
    throw identityErrors.badPublicKey(`an RSA modulus of ${bits} bits is not accepted`);
  }
  const value = exponent.content.length > 5 ? Number.NaN : exponent.content.reduce((sum, byte) => sum * 256 + byte, 0);
  if (!(value >= rsaExponent.least && value <= rsaExponent.most) || value % 2 === 0) {
    throw identityErrors.badPublicKey("the RSA exponent is not accepted");
  }
  return { kind: "rsa", bits };
}

/** Of a positive INTEGER; 0 for a negative one. */
function bitLength(integer: Uint8Array): number {
  const first = integer[0] ?? 0;
  if (first >= 0x80) return 0;
  const [top = 0, length] = first === 0 ? [integer[1], integer.length - 1] : [first, integer.length];
  return (length - 1) * 8 + (32 - Math.clz32(top));
}

/** Lengths of the key identifier, bytes: as with SHA-1, which RFC 5280 §4.2.1.2 suggests. */
const keyIdLength = 20;

/** RFC 7093 §2, method 1: the leftmost 160 bits of SHA-256 over the subjectPublicKey's bits. */
export function keyIdOf(spki: Uint8Array): Uint8Array {
  return sha256(new Uint8Array(AsnConvert.parse(spki, SubjectPublicKeyInfo).subjectPublicKey)).subarray(0, keyIdLength);
}

/** SHA-256 over the SubjectPublicKeyInfo (RFC 7469 §2.4), base64url: 43 characters. */
export function publicKeyPin(spki: Uint8Array): string {
  return base64url(sha256(spki));
}
