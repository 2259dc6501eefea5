// X.509 certificates (RFC 5280), made from a profile and signed by whoever holds the issuer's key.
import { AsnConvert } from "@peculiar/asn1-schema";
import {
  AttributeTypeAndValue,
  AttributeValue,
  AuthorityKeyIdentifier,
  Extensions,
  id_ce_authorityKeyIdentifier,
  id_ce_subjectKeyIdentifier,
  KeyIdentifier,
  Name,
  RelativeDistinguishedName,
  SubjectKeyIdentifier,
  SubjectPublicKeyInfo,
  TBSCertificate,
  Validity,
} from "@peculiar/asn1-x509";
import type { CertificateInfo } from "./certificate-info.ts";
import { type CertificateProfile, extension } from "./certificate-profile.ts";
import { derBitString, derSequence } from "./der.ts";
import { identityErrors } from "./errors.ts";
import { keyIdOf } from "./public-key.ts";
import { algorithmIdentifier } from "./signature-algorithm.ts";
import type { Signer } from "./signer.ts";

export interface CertificateOrder {
  profile: CertificateProfile;
  /** SubjectPublicKeyInfo, DER. */
  publicKey: Uint8Array;
  /** 16 unpredictable bytes; see `serialNumber`. */
  serial: Uint8Array;
  /** Milliseconds since 1970; certificates keep whole seconds. */
  notBeforeMs: number;
  /** At most the issuer's own end is granted. */
  notAfterMs: number;
}

export interface Issuer {
  certificate: CertificateInfo;
  signer: Signer;
}

const serialLength = 16;
const objectIds = { organization: "2.5.4.10", commonName: "2.5.4.3" };

/**
 * Makes a serial number of random bytes: positive, and of 16 bytes always, so that no two are equal by padding.
 *
 * @param random 16 unpredictable bytes
 */
export function serialNumber(random: Uint8Array): Uint8Array {
  if (random.length !== serialLength) throw identityErrors.badCertificate(`a serial number has ${serialLength} bytes`);
  const serial = new Uint8Array(random);
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  return serial;
}

/**
 * Issues a certificate that does not outlive its issuer.
 *
 * @returns DER
 * @throws LateenError LAT3007 where the issuer may not issue, or the certificate would never be valid
 */
export async function issueCertificate(order: CertificateOrder, issuer: Issuer): Promise<Uint8Array> {
  const { certificate, signer } = issuer;
  if (!certificate.isAuthority) throw identityErrors.badCertificate(`${certificate.subject} is no authority`);
  const notAfterMs = Math.min(order.notAfterMs, certificate.notAfterMs);
  return sign({ ...order, notAfterMs }, AsnConvert.parse(certificate.subjectDer, Name), signer);
}

/**
 * Signs a root with its own key.
 *
 * @returns DER
 * @throws LateenError LAT3007
 */
export function selfSignCertificate(order: Omit<CertificateOrder, "publicKey">, signer: Signer): Promise<Uint8Array> {
  return sign({ ...order, publicKey: signer.publicKey }, nameOf(order.profile.subject), signer);
}

async function sign(order: CertificateOrder, issuerName: Name, signer: Signer): Promise<Uint8Array> {
  const { profile, publicKey, notBeforeMs, notAfterMs } = order;
  if (!(Math.floor(notAfterMs / 1000) > Math.floor(notBeforeMs / 1000))) {
    throw identityErrors.badCertificate("the certificate would end before it begins");
  }
  const authorityKeyId = new KeyIdentifier(keyIdOf(signer.publicKey));
  const tbs = new TBSCertificate({
    version: 2,
    serialNumber: serialNumber(order.serial).buffer as ArrayBuffer,
    signature: algorithmIdentifier(signer.algorithm),
    issuer: issuerName,
    validity: new Validity({ notBefore: wholeSeconds(notBeforeMs), notAfter: wholeSeconds(notAfterMs) }),
    subject: nameOf(profile.subject),
    subjectPublicKeyInfo: AsnConvert.parse(publicKey, SubjectPublicKeyInfo),
    extensions: new Extensions([
      ...profile.extensions,
      extension(id_ce_subjectKeyIdentifier, false, new SubjectKeyIdentifier(keyIdOf(publicKey))),
      extension(id_ce_authorityKeyIdentifier, false, new AuthorityKeyIdentifier({ keyIdentifier: authorityKeyId })),
    ]),
  });
  const signed = new Uint8Array(AsnConvert.serialize(tbs));
  const algorithm = new Uint8Array(AsnConvert.serialize(algorithmIdentifier(signer.algorithm)));
  return derSequence(signed, algorithm, derBitString(await signer.sign(signed)));
}

function wholeSeconds(ms: number): Date {
  return new Date(Math.floor(ms / 1000) * 1000);
}

function nameOf(subject: CertificateProfile["subject"]): Name {
  const parts = (["organization", "commonName"] as const).flatMap((part) => {
    const value = subject[part];
    if (value === undefined) return [];
    const attribute = { type: objectIds[part], value: new AttributeValue({ utf8String: value }) };
    return [new RelativeDistinguishedName([new AttributeTypeAndValue(attribute)])];
  });
  return new Name(parts);
}
