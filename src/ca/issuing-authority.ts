// One certificate authority: its certificate and its key, which belong together.
import { X509Certificate } from "node:crypto";
import type { Issuer } from "../identity/certificate.ts";
import { readCertificate } from "../identity/certificate-info.ts";
import { decodePem, encodePem } from "../identity/pem.ts";
import { equalBytes } from "../kernel/bytes.ts";
import { LateenError } from "../kernel/error.ts";
import { caErrors } from "./errors.ts";
import { type KeyPair, readKeyPair } from "./key-pair.ts";

export interface IssuingAuthority extends Issuer {
  /** The certificate, one PEM block. */
  readonly pem: string;
}

const keyBegin = "-----BEGIN PRIVATE KEY-----";

/**
 * Puts a certificate and a key together.
 *
 * @param path names the file in messages
 * @throws LateenError LAT3102 where they do not belong together or the certificate is no authority
 */
export function authorityOf(path: string, der: Uint8Array, key: KeyPair): IssuingAuthority {
  const certificate = readAuthorityCertificate(path, der);
  if (!equalBytes(certificate.publicKey, key.signer.publicKey)) {
    throw caErrors.brokenFiles(`the key does not belong to the certificate in ${path}`);
  }
  return { certificate, signer: key.signer, pem: encodePem("CERTIFICATE", der) };
}

/** @throws LateenError LAT3102 */
export function readAuthorityCertificate(path: string, der: Uint8Array): Issuer["certificate"] {
  const certificate = readCertificate(der);
  if (!certificate.isAuthority || !certificate.signsOthers) {
    throw caErrors.brokenFiles(`the certificate in ${path} is not one of an authority`);
  }
  return certificate;
}

/**
 * Reads a certificate and, after it, its key.
 *
 * @throws LateenError LAT3102
 */
export function readAuthorityFile(path: string, text: string): IssuingAuthority {
  const at = text.indexOf(keyBegin);
  return broken(path, () => {
    const [der = new Uint8Array()] = decodePem("CERTIFICATE", at < 0 ? text : text.slice(0, at));
    return authorityOf(path, der, readKeyPair(at < 0 ? "" : text.slice(at)));
  });
}

export function authorityFile(der: Uint8Array, key: KeyPair): string {
  return encodePem("CERTIFICATE", der) + key.pem.reveal();
}

/** Whether `issuer` signed the certificate. */
export function isIssuedBy(certificate: Uint8Array, issuer: Uint8Array): boolean {
  const parent = new X509Certificate(issuer);
  const child = new X509Certificate(certificate);
  return child.checkIssued(parent) && child.verify(parent.publicKey);
}

/** Runs `read`; whatever it throws says that the file is broken, unless it says so itself. */
export function broken<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof LateenError && cause.code === "LAT3102") throw cause;
    throw caErrors.brokenFiles(`${path} cannot be used`, { cause });
  }
}
