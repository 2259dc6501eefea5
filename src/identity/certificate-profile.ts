// What each sort of certificate may be used for, as the X509-SVID standard (§4) and RFC 5280 want it.
import { AsnConvert, OctetString } from "@peculiar/asn1-schema";
import {
  BasicConstraints,
  ExtendedKeyUsage,
  Extension,
  GeneralName,
  id_ce_basicConstraints,
  id_ce_extKeyUsage,
  id_ce_keyUsage,
  id_ce_subjectAltName,
  id_kp_clientAuth,
  id_kp_serverAuth,
  KeyUsage,
  SubjectAlternativeName,
} from "@peculiar/asn1-x509";
import type { PublicKeyInfo } from "./public-key.ts";
import type { SpiffeId } from "./spiffe-id.ts";

/** Subject and extensions; the key identifiers are added when it is issued. */
export interface CertificateProfile {
  readonly subject: { readonly organization?: string; readonly commonName?: string };
  readonly extensions: readonly Extension[];
}

/** RFC 5280 §4.2.1.3; the first named bit is the lowest here. */
const usage = { digitalSignature: 1, keyEncipherment: 4, keyAgreement: 16, keyCertSign: 32, cRLSign: 64 };

/**
 * A certificate authority of a trust domain.
 *
 * @param pathLength how many authorities may follow below it
 */
export function authorityProfile(name: {
  organization: string;
  commonName: string;
  spiffeId?: SpiffeId;
  pathLength: number;
}): CertificateProfile {
  const { organization, commonName, spiffeId, pathLength } = name;
  return {
    subject: { organization, commonName },
    extensions: [
      basicConstraints(new BasicConstraints({ cA: true, pathLenConstraint: pathLength })),
      keyUsage(usage.keyCertSign | usage.cRLSign),
      ...(spiffeId === undefined ? [] : [names([new GeneralName({ uniformResourceIdentifier: spiffeId })], false)]),
    ],
  };
}

/** An X509-SVID: one URI name and an empty subject, so the name is critical (RFC 5280 §4.2.1.6). */
export function workloadProfile(id: SpiffeId, key: PublicKeyInfo): CertificateProfile {
  return {
    subject: {},
    extensions: [
      ...leafExtensions(key, [id_kp_serverAuth, id_kp_clientAuth]),
      names([new GeneralName({ uniformResourceIdentifier: id })], true),
    ],
  };
}

/** A server that clients find by DNS name or IP address. It carries no SPIFFE id, so it proves no workload. */
export function serverProfile(
  commonName: string,
  addresses: { dnsNames: readonly string[]; ipAddresses: readonly string[] },
  key: PublicKeyInfo,
): CertificateProfile {
  return {
    subject: { commonName },
    extensions: [
      ...leafExtensions(key, [id_kp_serverAuth]),
      names(
        [
          ...addresses.dnsNames.map((dNSName) => new GeneralName({ dNSName })),
          ...addresses.ipAddresses.map((iPAddress) => new GeneralName({ iPAddress })),
        ],
        false,
      ),
    ],
  };
}

/** A user of an API, named as Kubernetes does: the common name is the user, the organization the group. */
export function clientProfile(
  user: { commonName: string; organization: string },
  key: PublicKeyInfo,
): CertificateProfile {
  return { subject: user, extensions: leafExtensions(key, [id_kp_clientAuth]) };
}

function leafExtensions(key: PublicKeyInfo, purposes: string[]): Extension[] {
  const agreement = key.kind === "ec" ? usage.keyAgreement : usage.keyEncipherment;
  return [
    basicConstraints(new BasicConstraints()),
    keyUsage(usage.digitalSignature | agreement),
    extension(id_ce_extKeyUsage, false, new ExtendedKeyUsage(purposes)),
  ];
}

function basicConstraints(value: BasicConstraints): Extension {
  return extension(id_ce_basicConstraints, true, value);
}

function keyUsage(bits: number): Extension {
  return extension(id_ce_keyUsage, true, new KeyUsage(bits));
}

function names(list: GeneralName[], critical: boolean): Extension {
  return extension(id_ce_subjectAltName, critical, new SubjectAlternativeName(list));
}

/** @param value an object of the library's schema classes */
export function extension(extnID: string, critical: boolean, value: object): Extension {
  return new Extension({ extnID, critical, extnValue: new OctetString(AsnConvert.serialize(value)) });
}
