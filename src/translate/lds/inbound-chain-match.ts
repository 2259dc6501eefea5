// PeerAuthentication.spec.mtls.mode, PeerAuthentication.spec.portLevelMtls{}.mode → envoy.config.listener.v3.FilterChainMatch
import type { MtlsMode } from "../../model/peer-authentication.ts";

/** ALPN values that Istio's clients offer for mesh mutual TLS. */
const meshAlpn: readonly string[] = ["istio", "istio-peer-exchange", "istio-http/1.0", "istio-http/1.1", "istio-h2"];

export interface ChainMatch {
  /** Empty: either. */
  readonly transportProtocol: "tls" | "raw_buffer" | "";
  readonly applicationProtocols: readonly string[];
  /** The proxy ends the TLS; otherwise bytes pass unread. */
  readonly terminatesTls: boolean;
  /** An opaque chain carries TLS that the application itself ends, so HTTP cannot be read on it. */
  readonly opaque: boolean;
}

const mutual: ChainMatch = { transportProtocol: "tls", applicationProtocols: [], terminatesTls: true, opaque: false };
const meshMutual: ChainMatch = { ...mutual, applicationProtocols: meshAlpn };
const plaintext: ChainMatch = {
  transportProtocol: "raw_buffer",
  applicationProtocols: [],
  terminatesTls: false,
  opaque: false,
};
/** TLS that only the application reads, on a port where nothing looks for TLS. */
const unread: ChainMatch = { ...plaintext, transportProtocol: "" };
const ownTls: ChainMatch = { transportProtocol: "tls", applicationProtocols: [], terminatesTls: false, opaque: true };

/**
 * True where TLS must be told from plaintext. Whoever looks waits for the client's first bytes, which those of server-first
 * protocols (MySQL, SMTP) never send: mode DISABLE is how such a port is served.
 */
export function looksForTls(mode: MtlsMode, http: boolean): boolean {
  return http || mode !== "DISABLE";
}

/** Istio's chains for a port (pilot/pkg/networking/core filterchain options), in order. */
export function chainMatches(mode: MtlsMode, http: boolean): ChainMatch[] {
  switch (mode) {
    case "STRICT":
      return [mutual];
    case "DISABLE":
      return http ? [plaintext] : [unread];
    case "PERMISSIVE":
      return http ? [meshMutual, plaintext] : [meshMutual, ownTls, plaintext];
  }
}
