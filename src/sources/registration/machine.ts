// One machine as registration knows it.
import type { SpiffeId } from "../../identity/spiffe-id.ts";
import type { Cancel } from "../../kernel/clock.ts";
import type { NodeInfo } from "../../xds/node-info.ts";

export type MachineState =
  /** Ids of its open connections, in the order in which they came; never empty. */
  | { readonly kind: "connected"; readonly connections: readonly string[] }
  /** Gone; `cancel` keeps the entry from being removed. */
  | { readonly kind: "leaving"; readonly cancel: Cancel };

export interface Machine {
  readonly namespace: string;
  /** Name of its WorkloadEntry. */
  readonly name: string;
  readonly group: string;
  readonly identity: SpiffeId;
  /** Milliseconds since 1970. */
  readonly registeredAtMs: number;
  /** The machine's own account, from its newest connection, also after that has ended. */
  node: NodeInfo;
  connectedAtMs: number;
  network: string;
  /** Network and address, which no other machine has. */
  place: string;
  /** Its newest connection came from its address. */
  seenThere: boolean;
  /** Serial number of the certificate of its newest connection. */
  certificate: string | undefined;
  state: MachineState;
}
