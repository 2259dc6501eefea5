// All objects that the API shows, with one order of revisions: stored ones, those of files, registered ones.
//
// A stored object has the revision of its transaction. Everything else that changes, objects of other sources, status,
// deletions, gets a revision reserved from the store's sequence, so that one number orders all, also across restarts. A
// reservation is answered behind every earlier write, so nothing with a lower revision can follow.

import type { Change, Collection, Unsubscribe } from "../../collection/collection.ts";
import type { Kind } from "../../config/kind.ts";
import { kinds } from "../../config/kinds.ts";
import { namespaceKind } from "../../config/namespace/namespace.ts";
import { type Config, formatConfigKey } from "../../config/object.ts";
import type { Clock } from "../../kernel/clock.ts";
import { sameData } from "../../kernel/equal.ts";
import { describeError } from "../../kernel/error.ts";
import { byKey } from "../../kernel/key-order.ts";
import type { Stoppable } from "../../kernel/lifecycle.ts";
import type { Log } from "../../kernel/log.ts";
import type { Store } from "../../store/store.ts";
import { EventLog, type EventReader, type LoggedEvent } from "./event-log.ts";
import { heldBytes } from "./held-bytes.ts";
import { eventKeptMs } from "./limits.ts";

/** How often events that are too old are looked for, milliseconds. */
const eventSweepMs = 30_000;
/** After a reservation failed it is tried again, milliseconds. */
const retryMs = 1000;

export interface ObjectViewOptions {
  /** Objects of every source, joined by the caller; one key has one object. */
  objects: Collection<Config>;
  /** What the mesh says of objects, by `formatConfigKey`; shown as their `status`. */
  statuses?: Collection<unknown>;
  /** Shows only objects with this source in their key: the cluster id of this control plane. */
  source: string;
  /** Namespaces that exist although nothing is in them, such as `default` and the root namespace. */
  namespaces: readonly string[];
  revisions: Pick<Store, "reserveRevisions">;
  clock: Clock;
  log: Log;
}

/** One object as it is shown. Immutable. */
export interface ViewEntry {
  readonly kind: Kind;
  readonly config: Config;
  readonly status: unknown;
  /** Its `resourceVersion`: grows also where only the status changed. */
  readonly revision: number;
}

interface Shelf {
  kind: Kind;
  /** By `namespace/name`. */
  entries: Map<string, ViewEntry>;
  /** Entries in order of namespace and name, until the set changes. */
  sorted: readonly ViewEntry[] | undefined;
  log: EventLog<ViewEntry>;
}

/** Opens a view of what the collections hold now. */
export async function openObjectView(options: ObjectViewOptions): Promise<ObjectView> {
  const view = new ObjectView(options);
  await view.open();
  return view;
}

export class ObjectView implements Stoppable {
  private readonly options: ObjectViewOptions;
  private readonly shelves = new Map<string, Shelf>();
  private readonly inNamespace = new Map<string, number>();
  /** Keys whose change waits for a revision. */
  private pending = new Set<string>();
  private flushing: Promise<void> | undefined;
  private last = 0;
  /** Revision from which on changes are logged. */
  private start = 0;
  private readonly unsubscribe: Unsubscribe[] = [];
  private retry: (() => void) | undefined;
  /** While events are kept. */
  private expiry: (() => void) | undefined;
  private stopped = false;

  constructor(options: ObjectViewOptions) {
    this.options = options;
  }

  /** Revision of the last change that is shown. */
  get revision(): number {
    return this.last;
  }

  get(kind: Kind, namespace: string, name: string): ViewEntry | undefined {
    return this.shelf(kind).entries.get(`${namespace}/${name}`);
  }

  /** In order of namespace and name; an empty namespace gives all. */
  list(kind: Kind, namespace = ""): readonly ViewEntry[] {
    const shelf = this.shelf(kind);
    shelf.sorted ??= [...shelf.entries].sort(byKey).map(([, entry]) => entry);
    if (namespace === "") return shelf.sorted;
    return shelf.sorted.filter((entry) => entry.config.key.namespace === namespace);
  }

  /** @returns undefined where changes since the revision are no longer known */
  follow(kind: Kind, fromRevision: number): EventReader<ViewEntry> | undefined {
    return this.shelf(kind).log.follow(fromRevision);
  }

  /** Objects in a namespace, of all kinds. */
  countIn(namespace: string): number {
    return this.inNamespace.get(namespace) ?? 0;
  }

  /** What the mesh says of the object with a key of `formatConfigKey`. */
  statusOf(key: string): unknown {
    return this.options.statuses?.get(key);
  }

  /** Resolves once every change that has reached the collections is shown. */
  async settled(): Promise<void> {
    while (this.flushing !== undefined) await this.flushing;
  }

  async open(): Promise<void> {
    const { objects, statuses, source, namespaces } = this.options;
    for (const name of namespaces) this.pending.add(namespaceKey(source, name));
    for (const [key, config] of objects.entries()) {
      if (config.key.source !== source) continue;
      this.countNamespace(config.key.namespace, 1);
      const revision = Number(config.meta.resourceVersion ?? Number.NaN);
      // Stored objects keep their revision: nobody watches yet, so none has to come in order.
      if (revision > 0) this.show(key, revision, new Set());
      else this.pending.add(key);
    }
    this.unsubscribe.push(objects.subscribe((changes) => this.takeObjects(changes)));
    if (statuses !== undefined) {
      this.unsubscribe.push(statuses.subscribe((changes) => this.takeStatuses(changes)));
    }
    this.wake();
    await this.settled();
    // Also without any object there must be a revision to watch from.
    if (this.last === 0) this.last = (await this.options.revisions.reserveRevisions(1)).last;
    this.start = this.last;
    for (const shelf of this.shelves.values()) shelf.log = new EventLog(this.start);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.retry?.();
    for (const end of this.unsubscribe) end();
    await this.flushing;
    this.expiry?.();
  }

  private takeObjects(changes: readonly Change<Config>[]): void {
    const shelves = new Set<Shelf>();
    for (const { key, before, after } of changes) {
      if ((after ?? before)?.key.source !== this.options.source) continue;
      if (before !== undefined) this.countNamespace(before.key.namespace, -1);
      if (after !== undefined) this.countNamespace(after.key.namespace, 1);
      const revision = Number(after?.meta.resourceVersion ?? Number.NaN);
      if (revision > this.last) {
        this.pending.delete(key);
        this.show(key, revision, shelves);
      } else this.pending.add(key);
    }
    for (const { log } of shelves) log.announce();
    this.wake();
  }

  private takeStatuses(changes: readonly Change<unknown>[]): void {
    for (const { key } of changes) if (this.options.objects.has(key)) this.pending.add(key);
    this.wake();
  }

  /** A namespace exists from the first object in it to the last. */
  private countNamespace(name: string, step: 1 | -1): void {
    if (name === "") return;
    const count = (this.inNamespace.get(name) ?? 0) + step;
    if (count === 0) this.inNamespace.delete(name);
    else this.inNamespace.set(name, count);
    if (count === 0 || (count === 1 && step === 1)) this.pending.add(namespaceKey(this.options.source, name));
  }

  private wake(): void {
    if (this.pending.size === 0 || this.flushing !== undefined || this.stopped) return;
    this.flushing = this.flush().finally(() => {
      this.flushing = undefined;
      if (this.retry === undefined) this.wake();
    });
  }

  private async flush(): Promise<void> {
    const keys = this.pending;
    this.pending = new Set();
    let first: number;
    try {
      ({ first } = await this.options.revisions.reserveRevisions(keys.size));
    } catch (error) {
      this.options.log.warn("changes wait to be shown by the API", { error: describeError(error) });
      for (const key of keys) this.pending.add(key);
      this.retry ??= this.options.clock.after(retryMs, () => {
        this.retry = undefined;
        this.wake();
      });
      return;
    }
    if (first <= this.last) {
      // A write came in while the answer was on its way here: the revisions are spent.
      for (const key of keys) this.pending.add(key);
      return;
    }
    const shelves = new Set<Shelf>();
    for (const key of keys) this.show(key, first++, shelves);
    this.last = Math.max(this.last, first - 1);
    for (const { log } of shelves) log.announce();
  }

  /** Brings one key up to what the collections say, as of a revision. */
  private show(key: string, revision: number, shelves: Set<Shelf>): void {
    const config = this.options.objects.get(key) ?? this.impliedNamespace(key);
    const kind = kindOfKey(config?.key ?? parseKey(key));
    if (kind === undefined) return;
    const shelf = this.shelf(kind);
    const place = config === undefined ? placeOf(parseKey(key)) : placeOf(config.key);
    const before = shelf.entries.get(place);
    const status = this.options.statuses?.get(key);
    if (config === before?.config && sameData(status, before?.status)) return;
    if (config === undefined) shelf.entries.delete(place);
    else shelf.entries.set(place, { kind, config, status, revision });
    shelf.sorted = undefined;
    this.log(shelf, { revision, before, after: shelf.entries.get(place) });
    shelves.add(shelf);
    this.last = Math.max(this.last, revision);
  }

  private log(shelf: Shelf, event: LoggedEvent<ViewEntry>): void {
    if (this.start === 0) return; // not open yet: what there is is no news
    const { clock } = this.options;
    const { config, status } = event.after ?? {};
    shelf.log.add(event, { atMs: clock.monotonic(), bytes: heldBytes([config?.meta, config?.spec, status]) });
    this.expiry ??= clock.after(eventSweepMs, () => this.expire());
  }

  private expire(): void {
    this.expiry = undefined;
    const beforeMs = this.options.clock.monotonic() - eventKeptMs;
    let kept = 0;
    for (const { log } of this.shelves.values()) {
      log.expire(beforeMs);
      kept += log.size;
    }
    if (kept > 0) this.expiry = this.options.clock.after(eventSweepMs, () => this.expire());
  }

  private impliedNamespace(key: string): Config | undefined {
    const { kind, group, name } = parseKey(key);
    if (kind !== namespaceKind.kind || group !== "") return undefined;
    if (!this.inNamespace.has(name) && !this.options.namespaces.includes(name)) return undefined;
    const known = this.shelf(namespaceKind as Kind).entries.get(`/${name}`)?.config;
    if (known !== undefined && isImplied(known)) return known;
    return {
      key: { source: this.options.source, group, kind, namespace: "", name },
      meta: { name, namespace: "" },
      spec: {},
    };
  }

  private shelf(kind: Kind): Shelf {
    const id = `${kind.group}/${kind.kind}`;
    let shelf = this.shelves.get(id);
    if (shelf === undefined) {
      shelf = { kind, entries: new Map(), sorted: undefined, log: new EventLog(this.start) };
      this.shelves.set(id, shelf);
    }
    return shelf;
  }
}

/** True for a namespace that no one has made: it exists because objects are in it, or by default. */
export function isImplied({ key, meta, origin }: Config): boolean {
  return key.kind === namespaceKind.kind && key.group === "" && meta.uid === undefined && origin === undefined;
}

function namespaceKey(source: string, name: string): string {
  return formatConfigKey({ source, group: "", kind: namespaceKind.kind, namespace: "", name });
}

function parseKey(key: string): { group: string; kind: string; namespace: string; name: string } {
  const [name = "", namespace = "", kind = "", group = ""] = key.split("/").reverse();
  return { group, kind, namespace, name };
}

function placeOf({ namespace, name }: { namespace: string; name: string }): string {
  return `${namespace}/${name}`;
}

function kindOfKey({ group, kind }: { group: string; kind: string }): Kind | undefined {
  return kinds.find((each) => each.group === group && each.kind === kind);
}
