// What happened to the mesh's objects lately: which, when, and which of their fields differ. Pushes are explained by it.
import type { Change, Collection } from "../../collection/collection.ts";
import type { Config } from "../../config/object.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { ConfigRef } from "../../xds/config-ref.ts";
import { type ChangedFields, changedFields } from "./changed-fields.ts";

/** Changes that are kept: those of some minutes in a busy mesh, and about a megabyte. */
const changeLimit = 1_000;
/** Values compared for all changes of one batch: some milliseconds. Fields of what comes after are not named. */
const budgetPerBatch = 50_000;
/** What follows from a change has become different by then: some of it is worked out in slices. Milliseconds. */
const newsMs = 1_000;

export type ChangeKind = "created" | "changed" | "deleted";

export interface ConfigChange extends ChangedFields {
  /** Counts up from 1. */
  readonly number: number;
  /** Wall clock, milliseconds. */
  readonly atMs: number;
  readonly ref: ConfigRef;
  readonly change: ChangeKind;
}

/** Kinds of changes, as Istio counts them (`pilot_inbound_updates`). */
export type UpdateType = "config" | "eds" | "svc" | "svcdelete";
/** Events of Istio's counter of configuration events. */
export type ChangeEvent = "add" | "update" | "delete";

const events: Readonly<Record<ChangeKind, ChangeEvent>> = { created: "add", changed: "update", deleted: "delete" };

export class ChangeLog {
  private readonly clock: Clock;
  private readonly onChange: (kind: string, event: ChangeEvent, update: UpdateType) => void;
  /** The change of number n is at n modulo the limit. */
  private readonly ring: ConfigChange[] = [];
  private total = 0;
  private batchStart = 0;
  private batchAtMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, onChange: (kind: string, event: ChangeEvent, update: UpdateType) => void = () => {}) {
    this.clock = clock;
    this.onChange = onChange;
  }

  /** Follows a collection of all objects; returns the end of it. */
  watch(objects: Collection<Config>): () => void {
    return objects.subscribe((changes) => this.take(changes));
  }

  /** Changes so far. */
  get count(): number {
    return this.total;
  }

  /**
   * Changes before those that came last, all at once, where that was just now; else all: what becomes different later is
   * not for an object (health, what proxies reject, addresses that were given).
   */
  get countBeforeNews(): number {
    return this.clock.monotonic() - this.batchAtMs <= newsMs ? this.batchStart : this.total;
  }

  /** Changes with a number greater than `from`, oldest first, as far as they are kept; at most `limit`, the newest. */
  since(from: number, limit: number = changeLimit): ConfigChange[] {
    const first = Math.max(from, this.total - Math.min(limit, changeLimit));
    const found: ConfigChange[] = [];
    for (let number = first + 1; number <= this.total; number++) {
      const change = this.ring[number % changeLimit];
      if (change !== undefined) found.push(change);
    }
    return found;
  }

  private take(changes: readonly Change<Config>[]): void {
    this.batchStart = this.total;
    this.batchAtMs = this.clock.monotonic();
    const budget = { left: budgetPerBatch };
    const atMs = this.clock.now();
    for (const { before, after } of changes) {
      const config = after ?? before;
      if (config === undefined) continue;
      const { kind, namespace, name } = config.key;
      const change: ChangeKind = before === undefined ? "created" : after === undefined ? "deleted" : "changed";
      const differing =
        before === undefined || after === undefined
          ? { fields: [], more: false }
          : changedFields(comparable(before), comparable(after), budget);
      this.total += 1;
      this.ring[this.total % changeLimit] = {
        ...{ number: this.total, atMs, ref: { kind, namespace, name }, change },
        ...differing,
      };
      this.onChange(kind, events[change], updateType(kind, change));
    }
  }
}

/** kubectl's copy of what was applied: it repeats every change. */
const appliedAnnotation = "kubectl.kubernetes.io/last-applied-configuration";

/** What authors and health checks write; versions and the like change with every write. */
function comparable({ meta, spec, status }: Config): unknown {
  const { [appliedAnnotation]: _, ...annotations } = meta.annotations ?? {};
  return { metadata: { labels: meta.labels, annotations }, spec, status };
}

function updateType(kind: string, change: ChangeKind): UpdateType {
  if (kind === "WorkloadEntry") return "eds";
  if (kind !== "ServiceEntry") return "config";
  return change === "deleted" ? "svcdelete" : "svc";
}
