// The TLS connection's client certificate → what it proves.
import type { TLSSocket } from "node:tls";
import { readSvidFields } from "../../identity/svid-fields.ts";
import { svidSpiffeId } from "../../identity/x509-svid.ts";
import type { Peer } from "../peer.ts";

/**
 * @param socket after its handshake, of a server that asks for a certificate and does not insist
 * @returns undefined where a certificate was shown that does not verify or is no X509-SVID: refuse the connection
 */
export function peerOfTls(socket: TLSSocket): Peer | undefined {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return { kind: "anonymous" };
  if (!socket.authorized) return undefined;
  try {
    return {
      kind: "verified",
      identities: [svidSpiffeId(readSvidFields(new Uint8Array(certificate.raw)))],
      expiresAtMs: certificate.validToDate.getTime(),
      serialNumber: certificate.serialNumber,
    };
  } catch {
    return undefined; // a certificate of ours without identity, such as a server's
  }
}
