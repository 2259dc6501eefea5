// What becomes of an outbound call.
import type { Answer } from "./http/handle-request.ts";
import type { CorsOutcome } from "./route/cors.ts";
import type { SimulatedFault } from "./route/fault.ts";
import type { HttpDestination, HttpForwarding } from "./route/forwarding.ts";
import type { Step } from "./step.ts";
import type { Destination } from "./upstream/destination.ts";

/** Names of what the call met, as proxy-config shows them; undefined where it did not get so far. */
export interface OutboundPath {
  readonly listener: string | undefined;
  readonly filterChain: string | undefined;
  readonly routeConfiguration: string | undefined;
  readonly virtualHost: string | undefined;
  readonly route: string | undefined;
  readonly steps: readonly Step[];
}

export type OutboundResult = OutboundPath & OutboundOutcome;

export type OutboundOutcome =
  /** At least one destination has endpoints. */
  | ({ readonly outcome: "routed" } & Forwarded)
  /** Goes to the address the application called. */
  | ({ readonly outcome: "passthrough" } & Forwarded)
  /** Sent to clusters that the proxy does not have: HTTP 503 (flag NC), or a closed connection. */
  | ({ readonly outcome: "missingCluster" } & Forwarded)
  /** Sent to clusters without endpoint that could take it: HTTP 503 (flag UH), or a closed connection. */
  | ({ readonly outcome: "noEndpoints" } & Forwarded)
  /** The proxy answers itself. */
  | ({ readonly outcome: "answered" } & Answer)
  /** No route takes the request: HTTP 404 (flag NR). */
  | { readonly outcome: "noRoute" }
  /** The connection is closed. */
  | { readonly outcome: "refused"; readonly because: string }
  /** Proxy and application wait for each other for ever. */
  | { readonly outcome: "stalled"; readonly because: string }
  /** The agent knows no such name; the machine's own resolvers decide. */
  | { readonly outcome: "unknownName"; readonly host: string };

export type Forwarded =
  | { readonly protocol: "tcp"; readonly destinations: readonly Destination[] }
  | ({
      readonly protocol: "http";
      readonly destinations: readonly HttpDestination[];
      readonly fault: SimulatedFault | undefined;
      readonly cors: CorsOutcome;
    } & Omit<HttpForwarding, "destinations">);
