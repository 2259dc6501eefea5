// What a machine proves itself with: certificate chain, key and the roots it trusts.
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readCertificate } from "../../identity/certificate-info.ts";
import { decodePem, encodePem } from "../../identity/pem.ts";
import type { SpiffeId } from "../../identity/spiffe-id.ts";
import { svidSpiffeId } from "../../identity/x509-svid.ts";
import { describeError } from "../../kernel/error.ts";
import type { Secret } from "../../kernel/secret.ts";
import { agentErrors } from "../errors.ts";

export interface MachineIdentity {
  readonly spiffeId: SpiffeId;
  /** PEM, leaf first. */
  readonly chain: string;
  /** PEM, every trusted root. */
  readonly roots: string;
  /** PKCS#8 in PEM. */
  readonly privateKey: Secret<string>;
  /** Milliseconds since 1970. */
  readonly notBeforeMs: number;
  /** Milliseconds since 1970. */
  readonly notAfterMs: number;
}

/** What an authority answers to a request. */
export interface IssuedCertificate {
  /** PEM each, leaf first. */
  readonly chain: readonly string[];
  /** PEM each. */
  readonly roots: readonly string[];
}

/** Most certificates in a chain, and most roots: a handful in practice. */
const chainLimit = 10;
const rootLimit = 64;
const pemLengthLimit = 1 << 20;

/**
 * Puts an issued certificate and its key together.
 *
 * @throws LateenError LAT3306 where they do not belong together, or the chain does not end at one of the roots
 */
export function assembleIdentity(issued: IssuedCertificate, privateKey: Secret<string>): MachineIdentity {
  const chain = readPem(issued.chain, chainLimit, "chain");
  const roots = readPem(issued.roots, rootLimit, "roots");
  const [leafDer] = chain;
  if (leafDer === undefined) throw agentErrors.badIdentity("the certificate chain is empty");
  try {
    const info = readCertificate(leafDer);
    const spiffeId = svidSpiffeId(info);
    const leaf = new X509Certificate(leafDer);
    if (!leaf.checkPrivateKey(createPrivateKey(privateKey.reveal()))) {
      throw agentErrors.badIdentity("the certificate was issued for another key");
    }
    verifyChain(chain, roots);
    return {
      spiffeId,
      chain: chain.map((der) => encodePem("CERTIFICATE", der)).join(""),
      roots: roots.map((der) => encodePem("CERTIFICATE", der)).join(""),
      privateKey,
      notBeforeMs: info.notBeforeMs,
      notAfterMs: info.notAfterMs,
    };
  } catch (cause) {
    throw agentErrors.badIdentity(`the issued certificate is of no use: ${describeError(cause)}`, { cause });
  }
}

function readPem(parts: readonly string[], limit: number, what: string): Uint8Array[] {
  try {
    return decodePem("CERTIFICATE", parts.join("\n"), { blocks: limit, length: pemLengthLimit });
  } catch (cause) {
    throw agentErrors.badIdentity(`the certificate ${what} cannot be read: ${describeError(cause)}`, { cause });
  }
}

/** Each certificate must be signed by the next one, and the last by a root (or be it). */
function verifyChain(chain: readonly Uint8Array[], roots: readonly Uint8Array[]): void {
  const certificates = chain.map((der) => new X509Certificate(der));
  const anchors = roots.map((der) => new X509Certificate(der));
  for (const [at, certificate] of certificates.entries()) {
    const issuers = certificates[at + 1] === undefined ? anchors : [certificates[at + 1] as X509Certificate];
    const isAnchor = anchors.some((anchor) => anchor.raw.equals(certificate.raw));
    if (!isAnchor && !issuers.some((issuer) => isIssuedBy(certificate, issuer))) {
      throw agentErrors.badIdentity(`certificate ${at + 1} of the chain is not signed by its issuer`);
    }
  }
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return issuer.ca && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}
