// What the registration of machines works with.
import type { Collection } from "../../collection/collection.ts";
import type { Graph } from "../../collection/graph.ts";
import type { Config } from "../../config/object.ts";
import type { WorkloadGroup } from "../../config/workload-group/workload-group.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { Log } from "../../kernel/log.ts";
import type { Metrics } from "../../kernel/metric.ts";
import type { MachineJournal } from "./machine-journal.ts";

export interface RegistrationOptions {
  graph: Graph;
  /** Every WorkloadGroup; where several have one name, the first by key counts. */
  groups: Collection<Config<WorkloadGroup>>;
  /** Cluster id; part of the entries' keys. */
  source: string;
  /** Name of this control plane, for people. */
  controller: string;
  clock: Clock;
  log: Log;
  metrics?: Metrics;
  /** Remembers machines beyond the life of this process. */
  journal?: Pick<MachineJournal, "note">;
  /** Lets machines register loopback addresses: for trials with several proxies on one host. */
  allowLoopback?: boolean;
}
