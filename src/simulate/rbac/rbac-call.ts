// What role-based access control looks at: the connection, who is at its other end, and the request if it is HTTP.
import type { HeaderMap } from "../http/http-request.ts";

export interface RbacCall {
  /** Undefined where the question does not say. */
  readonly sourceIp: string | undefined;
  readonly destinationIp: string | undefined;
  readonly destinationPort: number;
  /** Server name of the ClientHello, where a listener filter read it; empty where there is none. */
  readonly serverName: string;
  /** What the proxy knows of the peer: nothing where the connection is not TLS that it ends itself. */
  readonly peer: { readonly kind: "plaintext" } | { readonly kind: "tls"; readonly uriSan: string | undefined };
  /** Empty for connections that are not HTTP. */
  readonly headers: HeaderMap;
  /** Normalised; undefined for connections that are not HTTP. */
  readonly path: string | undefined;
}
