// First contact: finds the mesh's root among the certificates that the server sends, by the pin in the join token.
import type { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { checkServerIdentity, connect } from "node:tls";
import { encodePem } from "../../identity/pem.ts";
import { publicKeyPin } from "../../identity/public-key.ts";
import type { Clock } from "../../kernel/clock.ts";
import { describeError } from "../../kernel/error.ts";
import { agentErrors } from "../errors.ts";
import { type ControlPlaneAddress, formatControlPlaneAddress } from "./control-plane-address.ts";

/** Longest time for connection and handshake, milliseconds. */
const deadlineMs = 10_000;
/** Most certificates of a chain that are looked at. */
const chainLimit = 10;

/**
 * Connects once, without sending anything, and verifies what the server presents: one certificate's key must have the pin,
 * sign itself, and stand at the end of the chain of a server certificate that is in force and names the host.
 *
 * @param pin SHA-256 over the root's SubjectPublicKeyInfo, base64url
 * @returns the root in PEM; the only one to trust from then on
 * @throws LateenError LAT3303 where nobody answers, LAT3304 where the answer does not fit the pin
 */
export async function fetchRootByPin(
  address: ControlPlaneAddress,
  pin: string,
  options: { clock: Clock; serverName?: string },
): Promise<string> {
  const place = formatControlPlaneAddress(address);
  const chain = await presentedChain(address, place, options);
  const at = chain.findIndex((certificate) => pinOf(certificate) === pin);
  const root = chain[at];
  if (root === undefined || !isSignedBy(root, root)) {
    throw agentErrors.controlPlaneNotTrusted(`${place} does not present the root certificate that the token names`);
  }
  for (const [index, certificate] of chain.slice(0, at).entries()) {
    const issuer = chain[index + 1];
    if (issuer === undefined || !isSignedBy(certificate, issuer)) {
      throw agentErrors.controlPlaneNotTrusted(`${place} presents a certificate that its root did not sign`);
    }
  }
  const [leaf] = chain;
  const now = options.clock.now();
  for (const certificate of chain.slice(0, at + 1)) {
    if (now < Date.parse(certificate.validFrom) || now > Date.parse(certificate.validTo)) {
      throw agentErrors.controlPlaneNotTrusted(
        `${place} presents a certificate that is valid from ${certificate.validFrom} to ${certificate.validTo}`,
        { remedy: "Check this machine's clock; if it is right, the control plane's certificate must be renewed." },
      );
    }
  }
  const name = options.serverName ?? address.host;
  const mismatch = leaf === undefined ? undefined : checkServerIdentity(name, leaf.toLegacyObject());
  if (mismatch !== undefined) {
    const others = namesOf(leaf?.subjectAltName ?? "");
    throw agentErrors.controlPlaneNotTrusted(`the certificate of ${place} does not name ${name}, but ${others}`, {
      cause: mismatch,
      remedy: "Use one of these names, or start lateen up with --advertise for the one you use.",
    });
  }
  return encodePem("CERTIFICATE", new Uint8Array(root.raw));
}

function unreachable(place: string, cause: NodeJS.ErrnoException): Error {
  // OpenSSL's words for an answer that is no TLS name its own source files.
  if (cause.code === "EPROTO" || cause.code?.startsWith("ERR_SSL_") === true) {
    return agentErrors.controlPlaneUnreachable(`cannot reach ${place}: what answers there does not speak TLS`, {
      cause,
      remedy: "Machines join at the port for xDS with TLS, 15012 by default.",
    });
  }
  return agentErrors.controlPlaneUnreachable(`cannot reach ${place}: ${describeError(cause)}`, { cause });
}

/** Names of a certificate that an error lists. */
const namesLimit = 20;

/** @param subjectAltName as Node prints it: `DNS:mesh.example.com, IP Address:10.0.0.5` */
function namesOf(subjectAltName: string): string {
  const names = [...subjectAltName.matchAll(/(?:DNS|IP Address):([^,\s"]+)/g)].map(([, name]) => name);
  return names.length === 0 ? "nothing" : names.slice(0, namesLimit).join(", ");
}

/** The chain as the server sent it, leaf first; a root that signs itself ends it. */
function presentedChain(
  address: ControlPlaneAddress,
  place: string,
  options: { clock: Clock; serverName?: string },
): Promise<X509Certificate[]> {
  const { clock } = options;
  const serverName = options.serverName ?? (isIP(address.host) === 0 ? address.host : undefined);
  return new Promise((resolve, reject) => {
    // Nothing is trusted yet, and nothing is sent: the chain is judged by the caller.
    const socket = connect({
      ...address,
      ...(serverName === undefined ? {} : { servername: serverName }),
      rejectUnauthorized: false,
      minVersion: "TLSv1.2",
      ALPNProtocols: ["h2"],
    });
    const cancel = clock.after(deadlineMs, () => {
      socket.destroy(agentErrors.controlPlaneUnreachable(`${place} did not answer within ${deadlineMs / 1000} s`));
    });
    socket.on("close", cancel);
    socket.on("error", (cause) => reject(unreachable(place, cause)));
    socket.on("secureConnect", () => {
      const chain: X509Certificate[] = [];
      let next = socket.getPeerX509Certificate();
      while (next !== undefined && chain.length < chainLimit) {
        chain.push(next);
        const issuer: X509Certificate | undefined = next.issuerCertificate;
        next = issuer === undefined || issuer.raw.equals(next.raw) ? undefined : issuer;
      }
      // Our part of the handshake goes out first: to the server anything else is one that failed.
      socket.resume().end();
      resolve(chain);
    });
  });
}

function pinOf(certificate: X509Certificate): string {
  return publicKeyPin(new Uint8Array(certificate.publicKey.export({ type: "spki", format: "der" })));
}

function isSignedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return issuer.ca && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}
