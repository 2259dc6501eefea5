// The last pushes and what each was for. One record is shared by all proxies that were sent the same, so that a change that
// goes to a thousand of them costs one record and a thousand increments.
import type { ConfigRef } from "../../xds/config-ref.ts";
import type { ResourceChange } from "../../xds/generator.ts";
import type { Resource } from "../../xds/resource.ts";
import type { Batch } from "../../xds/subscription-request.ts";
import type { ChangeLog, ConfigChange } from "./change-log.ts";
import { relatedChanges } from "./related-changes.ts";

/** Records that are kept. */
const recordLimit = 500;
/** Names of resources kept of one push. */
const nameLimit = 16;
/** Fragments of a resource whose makers are looked at. */
const fragmentLimit = 256;
/** Proxies that are sent the same later than this are another push, milliseconds. */
const togetherMs = 5_000;
/** Where a list is so long, pushes that differ in length are the same: proxies have a few resources of their own. */
const longList = 8;

/**
 * Why something was waiting to be sent: the proxy asked for it; it became different; Envoy waits for it after another
 * resource, as Istio spells it; or it is tried once more after a rejection.
 */
export type PushCause = "request" | "change" | "dependent" | "trial";

/**
 * Istio's reasons of a push (`pilot_push_triggers`), in its spelling, and our own `trial`. `unknown`: no object changed
 * just before; health, an address that was given, or what proxies reject did.
 */
export type PushTrigger =
  | "config"
  | "endpoint"
  | "service"
  | "proxyrequest"
  | "depdendentresource"
  | "trial"
  | "unknown";

export interface PushRecord {
  /** Counts up from 1. */
  readonly number: number;
  /** Short name of the type. */
  readonly type: string;
  readonly cause: PushCause;
  readonly trigger: PushTrigger;
  /** Wall clock, milliseconds; of the first and of the last proxy. */
  readonly firstAtMs: number;
  lastAtMs: number;
  proxies: number;
  /** Of all proxies together, as sent. */
  bytes: number;
  /** Resources, and names of gone ones, of the first proxy's message. */
  readonly resources: number;
  readonly removed: number;
  /** The first 16. */
  readonly names: readonly string[];
  readonly removedNames: readonly string[];
  /** Objects whose change it was for; empty where the cause is no change, or is not known. */
  readonly changes: readonly ConfigChange[];
  /** More changes than are named. */
  readonly moreChanges: number;
  /** Changes up to this number were looked at. */
  readonly changesFrom: number | undefined;
}

/** What a stream remembers of one type: set when something becomes pending, read when it is sent. */
export interface PushNotes {
  cause: PushCause;
  /** Number of changes before the oldest that is not sent. */
  changesFrom: number | undefined;
  /** The newest news, which all streams share; dropped when sent. */
  news: readonly ResourceChange[] | undefined;
  lastPush: PushRecord | undefined;
}

export function noPushNotes(): PushNotes {
  return { cause: "request", changesFrom: undefined, news: undefined, lastPush: undefined };
}

/** What was sent of one type since the start. */
export interface SentTotals {
  messages: number;
  resources: number;
  removed: number;
  bytes: number;
  /** Not sent because the client had them from an earlier stream. */
  withheld: number;
}

/** Messages of one type for one reason. */
export interface ReasonCount {
  readonly type: string;
  readonly trigger: PushTrigger;
  messages: number;
}

export class PushLog {
  readonly totals = new Map<string, SentTotals>();
  private readonly changes: ChangeLog;
  private readonly ring: PushRecord[] = [];
  /**
   * The newest record by type and by the name that its messages end with. By the short name of the type, of which there are
   * few: a client may ask for types without end that nobody makes.
   */
  private readonly newest = new Map<string, Map<string, PushRecord>>();
  /** Messages by type and reason, of records that are not kept any more. */
  private readonly forgotten = new Map<string, ReasonCount>();
  private count = 0;

  constructor(changes: ChangeLog) {
    this.changes = changes;
  }

  /** Something became different that the stream wants. Called for each stream of a change: assignments only. */
  changed(notes: PushNotes, news: readonly ResourceChange[]): void {
    notes.cause = "change";
    notes.changesFrom ??= this.changes.countBeforeNews;
    notes.news = news;
  }

  /** Messages by type and reason since the start; counted when asked for, not with each message. */
  get reasons(): Iterable<ReasonCount> {
    const counts = new Map([...this.forgotten].map(([key, count]) => [key, { ...count }]));
    for (const record of this.records()) countReason(counts, record);
    return counts.values();
  }

  /** A message goes out. `isLast` where nothing is left to be sent of the type. */
  sent(
    type: { readonly name: string; readonly notes: PushNotes },
    batch: Batch,
    options: { bytes: number; isLast: boolean; atMs: number },
  ): void {
    const { notes } = type;
    const totals = this.totalsOf(type.name);
    totals.messages += 1;
    totals.resources += batch.resources.length;
    totals.removed += batch.removed.length;
    totals.bytes += options.bytes;
    const record = this.recordFor(type, batch, options.atMs);
    record.lastAtMs = options.atMs;
    record.proxies += 1;
    record.bytes += options.bytes;
    notes.lastPush = record;
    if (!options.isLast) return;
    notes.changesFrom = undefined;
    notes.news = undefined;
  }

  /** The client turned out to have so many resources already. */
  withheld(name: string, count: number): void {
    this.totalsOf(name).withheld += count;
  }

  /** Newest first. */
  records(limit: number = recordLimit): PushRecord[] {
    const found: PushRecord[] = [];
    for (let number = this.count; number > 0 && found.length < Math.min(limit, recordLimit); number--) {
      const record = this.ring[number % recordLimit];
      if (record !== undefined) found.push(record);
    }
    return found;
  }

  private recordFor(type: { name: string; notes: PushNotes }, batch: Batch, nowMs: number): PushRecord {
    const { notes } = type;
    const cause: PushCause = batch.trial > 0 ? "trial" : notes.cause;
    const end = batch.resources.at(-1)?.name ?? batch.removed.at(-1) ?? "";
    let ofType = this.newest.get(type.name);
    if (ofType === undefined) {
      ofType = new Map();
      this.newest.set(type.name, ofType);
    }
    const recent = ofType.get(end);
    const isSame =
      recent !== undefined &&
      // Who took part in it already is sent something new.
      recent !== notes.lastPush &&
      recent.cause === cause &&
      (cause !== "change" || recent.changesFrom === notes.changesFrom) &&
      sameLength(recent.resources, batch.resources.length) &&
      sameLength(recent.removed, batch.removed.length) &&
      nowMs - recent.firstAtMs < togetherMs;
    if (isSame) return recent;
    const record = this.newRecord(type, batch, { cause, nowMs });
    ofType.set(end, record);
    this.forget(this.ring[record.number % recordLimit]);
    this.ring[record.number % recordLimit] = record;
    return record;
  }

  private newRecord(
    { name, notes }: { name: string; notes: PushNotes },
    batch: Batch,
    { cause, nowMs }: { cause: PushCause; nowMs: number },
  ): PushRecord {
    this.count += 1;
    const { changes, more } =
      cause === "change" && notes.changesFrom !== undefined && notes.changesFrom < this.changes.count
        ? relatedChanges(this.changes.since(notes.changesFrom), makersOf(batch, notes.news), name)
        : { changes: [], more: 0 };
    return {
      ...{ number: this.count, type: name, cause, trigger: triggerOf(cause, name, changes) },
      ...{ firstAtMs: nowMs, lastAtMs: nowMs, proxies: 0, bytes: 0 },
      ...{ resources: batch.resources.length, removed: batch.removed.length },
      names: batch.resources.slice(0, nameLimit).map((resource) => resource.name),
      removedNames: batch.removed.slice(0, nameLimit),
      changes,
      moreChanges: more,
      changesFrom: notes.changesFrom,
    };
  }

  private forget(record: PushRecord | undefined): void {
    if (record === undefined) return;
    countReason(this.forgotten, record);
    const ofType = this.newest.get(record.type);
    for (const end of [record.names.at(-1), record.removedNames.at(-1), ""]) {
      if (end !== undefined && ofType?.get(end) === record) ofType.delete(end);
    }
    // Longer lists end with a name that the record does not keep.
    if (record.resources + record.removed <= nameLimit) return;
    for (const [end, known] of ofType ?? []) if (known === record) ofType?.delete(end);
  }

  private totalsOf(name: string): SentTotals {
    let totals = this.totals.get(name);
    if (totals === undefined) {
      totals = { messages: 0, resources: 0, removed: 0, bytes: 0, withheld: 0 };
      this.totals.set(name, totals);
    }
    return totals;
  }
}

function countReason(counts: Map<string, ReasonCount>, { type, trigger, proxies }: PushRecord): void {
  const key = `${type} ${trigger}`;
  const known = counts.get(key);
  if (known === undefined) counts.set(key, { type, trigger, messages: proxies });
  else known.messages += proxies;
}

function sameLength(a: number, b: number): boolean {
  return a === b || (a >= longList && b >= longList);
}

/**
 * Objects that made what is sent, and what was there before: an object that is gone made only the latter. Of what is put
 * together from fragments, those that differ count.
 */
function makersOf(batch: Batch, news: readonly ResourceChange[] | undefined): (readonly ConfigRef[])[] {
  const known = (news ?? []).slice(0, nameLimit);
  const told = new Set(known.map(({ key }) => key));
  return [
    ...known.flatMap(({ before, after }) => differingMakers(before, after)),
    ...batch.resources.slice(0, nameLimit).flatMap((resource) => (told.has(resource.name) ? [] : [resource.sources])),
  ];
}

function differingMakers(before: Resource | undefined, after: Resource | undefined): (readonly ConfigRef[])[] {
  if (before?.fragments === undefined || after?.fragments === undefined) {
    return [before, after].flatMap((resource) => (resource === undefined ? [] : [resource.sources]));
  }
  const [old, now] = [new Set(before.fragments), new Set(after.fragments)];
  const gone = before.fragments.filter((fragment) => !now.has(fragment));
  const come = after.fragments.filter((fragment) => !old.has(fragment));
  return [...gone, ...come].slice(0, fragmentLimit).map(({ sources }) => sources);
}

function triggerOf(cause: PushCause, type: string, changes: readonly ConfigChange[]): PushTrigger {
  switch (cause) {
    case "request":
      return "proxyrequest";
    case "dependent":
      return "depdendentresource";
    case "trial":
      return "trial";
    case "change": {
      const has = (kind: string): boolean => changes.some((change) => change.ref.kind === kind);
      if (has("WorkloadEntry") && (type === "eds" || changes.length === 1)) return "endpoint";
      if (changes.length > 0) return has("ServiceEntry") ? "service" : "config";
      return "unknown";
    }
  }
}
