// What a certificate says, read from DER. Whether it is genuine is for the verifying library to say.
import { AsnConvert } from "@peculiar/asn1-schema";
import {
  AuthorityKeyIdentifier,
  BasicConstraints,
  Certificate,
  ExtendedKeyUsage,
  type Extension,
  id_ce_authorityKeyIdentifier,
  id_ce_basicConstraints,
  id_ce_extKeyUsage,
  id_ce_keyUsage,
  id_ce_subjectAltName,
  id_ce_subjectKeyIdentifier,
  KeyUsage,
  SubjectAlternativeName,
  SubjectKeyIdentifier,
} from "@peculiar/asn1-x509";
import { checkDer } from "./der.ts";
import { identityErrors } from "./errors.ts";

export interface CertificateInfo {
  readonly der: Uint8Array;
  /** `O=cluster.local,CN=…`; empty for workloads. */
  readonly subject: string;
  /** The subject's Name, DER. */
  readonly subjectDer: Uint8Array;
  /** The issuer's Name, DER. */
  readonly issuerDer: Uint8Array;
  /** Hex, lower case, without leading zeros that DER adds. */
  readonly serial: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly uris: readonly string[];
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
  readonly isAuthority: boolean;
  /** keyCertSign or cRLSign. */
  readonly signsOthers: boolean;
  /** Object ids of the purposes; `undefined` without the extension: any purpose. */
  readonly purposes: readonly string[] | undefined;
  /** Hex. */
  readonly subjectKeyId: string | undefined;
  /** Hex. */
  readonly authorityKeyId: string | undefined;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array;
}

/** Largest certificate that is looked at, bytes. */
const lengthLimit = 64 << 10;
/** KeyUsage bits as the library numbers them. */
const signingBits = 32 | 64;

/**
 * @throws LateenError LAT3004 or LAT3007
 */
export function readCertificate(der: Uint8Array): CertificateInfo {
  checkDer(der, { bytes: lengthLimit });
  try {
    return describe(der, AsnConvert.parse(der, Certificate));
  } catch (cause) {
    throw identityErrors.badCertificate("the data is not an X.509 certificate", { cause });
  }
}

function describe(der: Uint8Array, certificate: Certificate): CertificateInfo {
  const tbs = certificate.tbsCertificate;
  const extensions = new Map<string, Extension>();
  for (const entry of tbs.extensions ?? []) {
    if (extensions.has(entry.extnID)) throw identityErrors.badCertificate(`extension ${entry.extnID} is there twice`);
    extensions.set(entry.extnID, entry);
  }
  const read = <T>(id: string, type: new () => T): T | undefined => {
    const entry = extensions.get(id);
    if (entry === undefined) return undefined;
    const value = new Uint8Array(entry.extnValue.buffer);
    checkDer(value, { bytes: lengthLimit });
    return AsnConvert.parse(value, type);
  };
  const names = [...(read(id_ce_subjectAltName, SubjectAlternativeName) ?? [])];
  const usage = read(id_ce_keyUsage, KeyUsage)?.toNumber();
  const subjectKeyId = read(id_ce_subjectKeyIdentifier, SubjectKeyIdentifier);
  const authorityKeyId = read(id_ce_authorityKeyIdentifier, AuthorityKeyIdentifier)?.keyIdentifier;
  const purposes = read(id_ce_extKeyUsage, ExtendedKeyUsage);
  return {
    der,
    subject: subjectText(tbs.subject),
    subjectDer: new Uint8Array(AsnConvert.serialize(tbs.subject)),
    issuerDer: new Uint8Array(AsnConvert.serialize(tbs.issuer)),
    serial: hex(tbs.serialNumber).replace(/^(?:00)+(?=.)/, ""),
    notBeforeMs: timeOf(tbs.validity.notBefore.getTime()),
    notAfterMs: timeOf(tbs.validity.notAfter.getTime()),
    uris: names.flatMap((name) => name.uniformResourceIdentifier ?? []),
    dnsNames: names.flatMap((name) => name.dNSName ?? []),
    ipAddresses: names.flatMap((name) => name.iPAddress ?? []),
    isAuthority: read(id_ce_basicConstraints, BasicConstraints)?.cA === true,
    signsOthers: usage !== undefined && (usage & signingBits) !== 0,
    purposes: purposes === undefined ? undefined : [...purposes],
    subjectKeyId: subjectKeyId === undefined ? undefined : hex(subjectKeyId.buffer),
    authorityKeyId: authorityKeyId === undefined ? undefined : hex(authorityKeyId.buffer),
    publicKey: new Uint8Array(AsnConvert.serialize(tbs.subjectPublicKeyInfo)),
  };
}

const attributeNames = new Map([
  ["2.5.4.3", "CN"],
  ["2.5.4.6", "C"],
  ["2.5.4.10", "O"],
  ["2.5.4.11", "OU"],
]);

function subjectText(name: Certificate["tbsCertificate"]["subject"]): string {
  return [...name]
    .flatMap((part) => [...part])
    .map((entry) => `${attributeNames.get(entry.type) ?? entry.type}=${entry.value.toString()}`)
    .join(",");
}

function timeOf(date: Date): number {
  const ms = date.getTime();
  if (!Number.isFinite(ms)) throw identityErrors.badCertificate("the validity is not a time");
  return ms;
}

function hex(buffer: ArrayBuffer): string {
  return [...new Uint8Array(buffer)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
