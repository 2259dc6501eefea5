// One bad object hurts only itself: what proxies reject is traced to its objects, told to their authors, and kept from
// other proxies of the same Envoy version, which get what was accepted before.
import type { Collection } from "../../collection/collection.ts";
import type { Graph } from "../../collection/graph.ts";
import { Source } from "../../collection/source.ts";
import { kindByName } from "../../config/kinds.ts";
import { type Config, formatConfigKey } from "../../config/object.ts";
import type { Cancel, Clock } from "../../kernel/clock.ts";
import type { Stoppable } from "../../kernel/lifecycle.ts";
import type { Log } from "../../kernel/log.ts";
import { type ConfigRef, formatConfigRef } from "../../xds/config-ref.ts";
import type { XdsClient } from "../../xds/generator.ts";
import type { Resource } from "../../xds/resource.ts";
import type { ServedSet, Substitution } from "../../xds/substitution.ts";
import type { AdsAcknowledgement, AdsOpening, AdsRejection, StreamOrigin } from "../ads/ads-hooks.ts";
import { typeName } from "../ads/type-name.ts";
import type { ChangeLog } from "../debug/change-log.ts";
import type { Blame } from "./blame.ts";
import { Book } from "./book.ts";
import type { BookLimits, Recipient } from "./book-ports.ts";
import { CaseBlames } from "./case-blames.ts";
import { envoyWords } from "./envoy-words.ts";
import type { Party } from "./party.ts";
import type { QuarantineMetrics } from "./quarantine-metrics.ts";
import { recentChanges } from "./recent-changes.ts";
import { type RefusalStatus, refusalMessage, refusalStatus } from "./refusal-status.ts";
import type { RefusedCase } from "./refused-case.ts";
import { trialMs } from "./trial-times.ts";
import type { VerdictSources } from "./verdicts.ts";

/** Verdicts within this time are published together, milliseconds: a thousand proxies reject at about the same time. */
const statusDelayMs = 100;
/** After it was published, the next waits at least so many times as long as that took: a flood of verdicts costs a tenth. */
const restFactor = 9;
/** Objects that one log line names. */
const loggedObjects = 8;
/** Characters of Envoy's words in one log line. */
const loggedLength = 1024;

export interface QuarantineOptions {
  readonly graph: Graph;
  /** Every object of every source. */
  readonly objects: Collection<Config>;
  /** Cluster id of this control plane, part of each object's key. */
  readonly source: string;
  /** What happened to the objects lately. */
  readonly changes: ChangeLog;
  /** Streams that get something under a name, or may ask for the type. */
  readonly recipients: (
    typeUrl: string,
    name: string,
  ) => Iterable<{ readonly connectionId: string; readonly resource: Resource | undefined }>;
  /** The registered machine that a stream speaks for, as the key of its entry. */
  readonly machineOf: (connectionId: string) => string | undefined;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: QuarantineMetrics;
  readonly limits?: Partial<BookLimits>;
}

interface Stream {
  readonly proxy: string;
  readonly certificate: string;
  readonly party: Party;
  readonly envoyVersion: string;
  /** When it asked for its last type, monotonic milliseconds. */
  sinceMs: number;
}

export class Quarantine implements Stoppable {
  /** By `substitutionKey`. */
  readonly substitutions: Source<Substitution>;
  /** What authors are told, by `formatConfigKey`. Follows a verdict with the delay above. */
  readonly statuses: Source<RefusalStatus>;
  private readonly options: QuarantineOptions;
  private readonly book: Book;
  private readonly streams = new Map<string, Stream>();
  private readonly said = new WeakMap<RefusedCase, string>();
  private readonly metrics: QuarantineMetrics;
  private readonly unsubscribe: () => void;
  private readonly endTicks: Cancel;
  private timer: Cancel | undefined;
  private readonly blames: CaseBlames;
  /** How long it took to publish what is known, milliseconds. */
  private lastMs = 0;

  constructor(options: QuarantineOptions) {
    const { graph, metrics, clock, objects } = options;
    this.options = options;
    this.substitutions = new Source<Substitution>(graph, "substitutions", Object.is);
    this.statuses = new Source<RefusalStatus>(graph, "refusals");
    this.metrics = metrics;
    this.blames = new CaseBlames({
      objectOf: (ref) => objects.get(this.keyOf(ref) ?? ""),
      recent: () => recentChanges(options.changes),
    });
    this.book = new Book(
      {
        recipients: (typeUrl, name) => this.recipients(typeUrl, name),
        substitute: (key, substitution) => {
          if (substitution === undefined) this.substitutions.delete(key);
          else this.substitutions.set(key, substitution);
        },
        changed: (refused) => {
          this.say(refused);
          this.wake();
        },
        full: (limit) => this.metrics.limitHits.inc({ limit }),
        now: () => clock.now(),
      },
      options.limits,
    );
    this.endTicks = clock.every(trialMs, () => graph.batch(() => this.book.tick(clock.monotonic())));
    this.unsubscribe = objects.subscribe((changes) => {
      for (const { before, after } of changes) {
        const key = (after ?? before)?.key;
        if (key !== undefined) this.book.objectChanged(key);
      }
    });
  }

  /** Follows a set that proxies are served from; returns what tells of its end. */
  watch(set: ServedSet): () => void {
    return this.book.watch(set);
  }

  /** A stream begins; it has been registered, if it will be. */
  connected({ node, identities }: XdsClient, connectionId: string, { certificate = "" }: StreamOrigin): void {
    const { envoyVersion = "", name } = node;
    const { clock, machineOf } = this.options;
    // Once and for all: one stream must not be two parties.
    const party = { account: identities[0] ?? "", machine: machineOf(connectionId) };
    this.streams.set(connectionId, { proxy: name, certificate, party, envoyVersion, sinceMs: clock.monotonic() });
    this.book.joined(envoyVersion);
  }

  opened(opening: AdsOpening): void {
    const stream = this.streams.get(opening.connectionId);
    if (stream === undefined) return;
    const { clock, graph } = this.options;
    stream.sinceMs = clock.monotonic();
    graph.batch(() => this.book.opened({ ...stream, ...opening }));
  }

  disconnected(connectionId: string): void {
    const stream = this.streams.get(connectionId);
    if (stream === undefined) return;
    this.streams.delete(connectionId);
    this.options.graph.batch(() => this.book.left(connectionId, stream.envoyVersion));
  }

  acknowledged({ connectionId, typeUrl, resources }: AdsAcknowledgement): void {
    const stream = this.streams.get(connectionId);
    if (stream === undefined || resources.length === 0) return;
    this.options.graph.batch(() => this.book.accept(connectionId, stream.envoyVersion, typeUrl, resources));
  }

  rejected({ connectionId, typeUrl, message, resources }: AdsRejection): void {
    const stream = this.streams.get(connectionId);
    if (stream === undefined) return;
    const { proxy, certificate, party, envoyVersion } = stream;
    const refuser = { proxy, certificate, party, message };
    this.options.graph.batch(() => this.book.reject({ connectionId, refuser, envoyVersion, typeUrl, resources }));
  }

  /** @param settled resolves true once every proxy has answered all it was sent, false where that takes longer */
  verdicts(settled: (withinMs: number) => Promise<boolean>): VerdictSources {
    const keyOf = (object: string): string | undefined => {
      const [kind = "", namespace = "", name = ""] = object.split("/");
      return this.keyOf({ kind, namespace, name });
    };
    return { settled, publish: () => this.publish(), statuses: this.statuses, keyOf };
  }

  async stop(): Promise<void> {
    this.unsubscribe();
    this.endTicks();
    this.timer?.();
  }

  private *recipients(typeUrl: string, name: string): Iterable<Recipient> {
    for (const { connectionId, resource } of this.options.recipients(typeUrl, name)) {
      const stream = this.streams.get(connectionId);
      if (stream === undefined) continue;
      yield { ...stream, connectionId, resource };
    }
  }

  private wake(): void {
    const delayMs = Math.max(statusDelayMs, restFactor * this.lastMs);
    this.timer ??= this.options.clock.after(delayMs, () => {
      this.timer = undefined;
      this.publish();
    });
  }

  /** Publishes at once what is known; for whoever waits for a verdict. */
  publish(): void {
    const { clock } = this.options;
    const startMs = clock.monotonic();
    this.tellAll();
    this.lastMs = clock.monotonic() - startMs;
  }

  private tellAll(): void {
    const told = new Map<string, { refused: RefusedCase; blame: Blame; message: string }[]>();
    const counts = new Map<string, number>();
    for (const refused of this.book.current()) {
      const { subject, verdict } = refused;
      const type = typeName(subject.typeUrl);
      if (verdict === "aside") counts.set(type, (counts.get(type) ?? 0) + 1);
      const blamed = this.blames.of(refused);
      const message = refusalMessage(refused, verdict === "aside" ? 0 : this.countRecipients(refused));
      for (const ref of blamed.objects) {
        const key = this.keyOf(ref);
        if (key === undefined) continue;
        const list = told.get(key) ?? [];
        list.push({ refused, blame: blamed, message });
        told.set(key, list);
      }
    }
    this.metrics.resources.reset();
    for (const [type, count] of counts) this.metrics.resources.set({ type }, count);
    this.statuses.replace(new Map([...told].map(([key, list]) => [key, refusalStatus(list)])));
  }

  private countRecipients({ subject }: RefusedCase): number {
    let count = 0;
    for (const { envoyVersion, resource } of this.recipients(subject.typeUrl, subject.name)) {
      if (envoyVersion === subject.envoyVersion && resource?.version === subject.version) count += 1;
    }
    return count;
  }

  private keyOf({ kind, namespace, name }: ConfigRef): string | undefined {
    const group = kindByName(kind)?.group;
    return group === undefined
      ? undefined
      : formatConfigKey({ source: this.options.source, group, kind, namespace, name });
  }

  /** Once per event. */
  private say(refused: RefusedCase): void {
    const { subject, verdict, current, message } = refused;
    const state = current ? verdict : "over";
    const before = this.said.get(refused);
    if (before === state || (before === undefined && !current)) return;
    this.said.set(refused, state);
    if (before !== "aside" && state !== "aside") return;
    const fields = {
      type: typeName(subject.typeUrl),
      resource: subject.name,
      ...(subject.fragment === undefined ? {} : { part: subject.fragment }),
      envoy: subject.envoyVersion,
      objects: this.blames.of(refused).objects.slice(0, loggedObjects).map(formatConfigRef),
    };
    const { log } = this.options;
    if (state === "aside")
      log.warn("configuration that proxies reject is set aside", {
        ...fields,
        message: envoyWords(message).slice(0, loggedLength),
      });
    else if (state === "accepted") log.info("a proxy accepted what was set aside; it is served again", fields);
    else log.info("configuration is no longer set aside", fields);
  }
}
