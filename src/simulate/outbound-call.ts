// A call that an application makes, as its proxy gets it.
import type { HttpRequest } from "./http/http-request.ts";

export interface OutboundCall {
  readonly to: DialedAddress | DialedName;
  readonly traffic:
    | { readonly kind: "http"; readonly request: HttpRequest }
    /** The application itself speaks TLS. */
    | { readonly kind: "tls"; readonly sni: string; readonly alpn?: readonly string[] }
    | { readonly kind: "tcp"; readonly serverSpeaksFirst?: boolean };
  /** The machine's own address; needed only where a rule asks for it. */
  readonly sourceIp?: string;
}

/** What the application dials after DNS. */
export interface DialedAddress {
  readonly ip: string;
  readonly port: number;
}

/** A name that the machine's agent resolves. */
export interface DialedName {
  readonly host: string;
  readonly port: number;
  /** The machine's own, for short names. */
  readonly namespace: string;
}
