// Who is on the other end of a connection, as far as it has been proven.
import type { SpiffeId } from "../identity/spiffe-id.ts";

export type Peer =
  /** No TLS: nothing is proven. */
  | { readonly kind: "plaintext" }
  /** TLS without a client certificate: may only prove itself by other means. */
  | { readonly kind: "anonymous" }
  /** A client certificate that chains to the roots. */
  | {
      readonly kind: "verified";
      /** The SPIFFE ids of its URI SANs. */
      readonly identities: readonly SpiffeId[];
      /** End of the certificate's life, milliseconds since 1970. */
      readonly expiresAtMs: number;
      /** Hex, as OpenSSL prints it. */
      readonly serialNumber: string;
    };
