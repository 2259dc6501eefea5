// A connection that comes to a machine, as its proxy gets it.
import type { HttpRequest } from "./http/http-request.ts";

export interface InboundCall {
  /** The port the caller connects to: the application's. */
  readonly port: number;
  /** The machine's address that the caller connects to; needed only where a rule asks for it. */
  readonly ip?: string;
  /** Needed only where a rule asks for it. */
  readonly sourceIp?: string;
  readonly transport:
    | { readonly kind: "raw_buffer"; readonly serverSpeaksFirst?: boolean }
    | {
        readonly kind: "tls";
        readonly sni: string;
        readonly alpn: readonly string[];
        /** SPIFFE id of the certificate that the caller shows; undefined where it shows none. */
        readonly peer: string | undefined;
      };
  /** Needed where the port is HTTP. */
  readonly request?: HttpRequest;
}
