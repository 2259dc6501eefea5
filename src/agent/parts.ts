// Parts of a machine that are made elsewhere and handed to the agent.
import type { NameTable } from "../../gen/istio/networking/nds/v1/nds_pb.ts";
import type { MachineConfig } from "../../gen/lateen/agent/v1/agent_pb.ts";
import type { Stoppable } from "../kernel/lifecycle.ts";

/** The machine's resolver for mesh names. */
export interface DnsPart extends Stoppable {
  start(): Promise<void>;
  /** Replaces the names it answers. */
  update(table: NameTable, machine: MachineConfig): void;
  /** True while it answers. */
  readonly ready: boolean;
  /** For the query `dns`; printed as JSON. */
  describe(): Promise<unknown>;
}

/** Traffic capture. `stop` decides whether the rules stay. */
export interface CapturePart extends Stoppable {
  /** Captures as the machine's configuration says, tests it, and takes it back if the test fails. Called again on changes. */
  apply(machine: MachineConfig): Promise<void>;
  /** Calls when the machine has changed so that what was applied must be applied again; returns the end of it. */
  onStale?(listener: () => void): () => void;
  /** For the query `capture`; printed as JSON. */
  describe(): Promise<unknown>;
  /** Frees what Envoy needs while it drains; called after it has ended. */
  release?(): Promise<void>;
}
