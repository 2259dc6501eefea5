// What becomes of an inbound connection.
import type { Answer } from "./http/handle-request.ts";
import type { RbacVerdict } from "./rbac/rbac-verdict.ts";
import type { Step } from "./step.ts";
import type { Destination } from "./upstream/destination.ts";

export interface InboundPath {
  readonly listener: string | undefined;
  readonly filterChain: string | undefined;
  /** How the connection is secured, as far as the proxy can tell. */
  readonly security:
    | { readonly kind: "plaintext" }
    /** TLS that the application itself ends. */
    | { readonly kind: "passed" }
    | { readonly kind: "mutual TLS"; readonly peer: string; readonly alpn: string | undefined };
  readonly route: string | undefined;
  readonly steps: readonly Step[];
}

export type InboundResult = InboundPath & InboundOutcome;

export type InboundOutcome =
  /** The application gets it. */
  | { readonly outcome: "accepted"; readonly protocol: "http" | "tcp"; readonly destinations: readonly Destination[] }
  /** A policy refuses it: HTTP 403, or a closed connection on TCP. */
  | {
      readonly outcome: "denied";
      readonly layer: "http" | "network";
      readonly filter: string;
      readonly verdict: RbacVerdict;
    }
  /** The connection is closed before any policy is asked. */
  | { readonly outcome: "refused"; readonly because: string }
  | { readonly outcome: "stalled"; readonly because: string }
  | ({ readonly outcome: "answered" } & Answer)
  | { readonly outcome: "noRoute" };
