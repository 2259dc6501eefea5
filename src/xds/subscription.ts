// What one client wants of one type and what it holds: the server's half of delta xDS for one type on one stream.
//
// Only differences are kept: a wanted name that is not in the backlog is held by the client exactly as the set has it. So a
// client in step costs no memory per resource, and a change costs one entry until it is sent. (xDS protocol, "Incremental
// xDS"; where Istio differs, see the comments.)

import { absent, asked, Backlog, demanded, type Held, unknown } from "./backlog.ts";
import type { ResourceChange, ResourceSet } from "./generator.ts";
import type { NamePool } from "./name-pool.ts";
import { Refusals } from "./refusals.ts";
import type { Resource } from "./resource.ts";
import type { Sharing } from "./sharing.ts";
import type { Batch, Part, Reply, SubscriptionRequest } from "./subscription-request.ts";
import { isWildcardType } from "./type-url.ts";
import { Wanted } from "./wanted.ts";
import { WholeParts } from "./whole-parts.ts";

export interface SubscriptionOptions {
  /** False where a response cannot say that a resource is gone (SotW, types other than CDS and LDS). */
  readonly tellsRemovals?: boolean;
  /** False where a message cannot be sent in parts to find the bad resource (SotW). */
  readonly isolates?: boolean;
  /**
   * For resources that the client puts together: the name of the one they belong to, which is rejected or accepted with all
   * of them. Sending them apart would tell nothing.
   */
  readonly wholeOf?: (name: string) => string;
  /** What it has in common with other streams; left out, it has nothing. */
  readonly sharing?: Sharing | undefined;
}

export class Subscription {
  readonly typeUrl: string;
  private readonly set: ResourceSet;
  private readonly sharing: Sharing | undefined;
  private readonly wholes: WholeParts | undefined;
  private opened = false;
  private readonly wanted = new Wanted();
  private readonly backlog: Backlog;
  /** Of a client that has rejected something. */
  private refusals: Refusals | undefined;
  private readonly isolates: boolean;
  /** Asked for by name and told to be absent. */
  private readonly missing = new Set<string>();
  private flight: Flight | undefined;
  /** What the client waits for and was in a message that it rejected: that it is gone must be told at once. */
  private readonly waiting = new Set<string>();
  private owesAnswer = false;

  constructor(typeUrl: string, set: ResourceSet, options: SubscriptionOptions = {}) {
    this.typeUrl = typeUrl;
    this.set = set;
    this.wholes = options.wholeOf === undefined ? undefined : new WholeParts(options.wholeOf);
    this.sharing = options.sharing;
    const { wanted, wholes } = this;
    const { answers } = options.sharing ?? { answers: undefined };
    this.backlog = new Backlog({ set, wanted, wholes, answers, tellsRemovals: options.tellsRemovals ?? true });
    this.isolates = options.isolates ?? wholes === undefined;
  }

  /** Characters of the names asked for one by one. */
  get namesLength(): number {
    return this.wanted.length;
  }

  /** Names asked for one by one; the limit of names per stream counts these. */
  get nameCount(): number {
    return this.wanted.names.size;
  }

  /** Resources the client is taken to hold once all is acknowledged. */
  get resourceCount(): number {
    return this.wanted.everything ? this.set.size : this.wanted.names.size - this.missing.size;
  }

  /** Names about which something waits to be sent. */
  get behindCount(): number {
    return this.backlog.size;
  }

  /** The same, with the version that the client holds where it is known: for people who look. */
  *behindNames(): Iterable<[name: string, held: string | undefined]> {
    for (const [name, held] of this.backlog.entries()) yield [name, typeof held === "string" ? held : undefined];
  }

  /** What was sent and not acknowledged yet. */
  get batchInFlight(): Batch | undefined {
    return this.flight?.batch;
  }

  /** Everything the client asked for, as far as it is there and not withheld. */
  *wantedResources(): Iterable<Resource> {
    if (this.isWildcard) {
      for (const resource of this.set.values()) if (resource.withheld !== true) yield resource;
      return;
    }
    for (const name of this.wanted.names) {
      const resource = this.set.get(name);
      if (resource !== undefined && resource.withheld !== true) yield resource;
    }
  }

  get inFlight(): boolean {
    return this.flight !== undefined;
  }

  /** True where nothing waits to be sent or acknowledged. */
  get settled(): boolean {
    return this.flight === undefined && this.backlog.isOver && this.refusals?.hasTrials !== true && !this.owesAnswer;
  }

  /** What the client rejected and has not been offered anew since. */
  get refused(): ReadonlyMap<string, Resource> {
    return this.refusals?.resources ?? nothingRefused;
  }

  /** True while the client goes on with an older version of something, or it is being found out of what. */
  get refusing(): boolean {
    return this.refusals?.keepsOlder === true;
  }

  wants(name: string): boolean {
    return this.wanted.has(name);
  }

  /** Names wanted one by one, for those who need the list. */
  get wantedNames(): ReadonlySet<string> {
    return this.wanted.names;
  }

  get isWildcard(): boolean {
    return this.wanted.everything;
  }

  /** Takes up a request: first what it says about the message in flight, then how it changes the subscription. */
  receive(request: SubscriptionRequest): Reply {
    const first = !this.opened;
    this.opened = true;
    const reply = this.readReply(request);
    const held = first ? request.initialVersions : noVersions;
    if (first && held.size === 0 && request.unsubscribe.length === 0 && this.wholes === undefined) {
      this.begin(request.subscribe);
      return reply;
    }
    this.backlog.list();
    for (const name of oneWildcard(request.unsubscribe)) this.unsubscribe(name);
    if (request.unsubscribe.length > 0) this.refusals?.retain();
    const legacy = first && request.subscribe.length === 0 && request.unsubscribe.length === 0;
    if (legacy && isWildcardType(this.typeUrl)) this.subscribeAll("legacy", held);
    for (const name of oneWildcard(request.subscribe)) {
      if (name === "*") this.subscribeAll("explicit", held);
      else this.subscribe(name, held.get(name));
    }
    if (first) this.adopt(held);
    return reply;
  }

  /** The first request of a client that holds nothing. */
  private begin(subscribe: readonly string[]): void {
    if (subscribe.length === 0 && isWildcardType(this.typeUrl)) this.wanted.wildcard = "legacy";
    if (!this.wanted.begin(subscribe, this.sharing?.names)) {
      for (const name of subscribe) {
        if (name === "*") this.wanted.wildcard = "explicit";
        else this.wanted.add(this.set.get(name)?.name ?? name); // one string for all streams
      }
      if (!this.wanted.everything) this.wanted.came(subscribe);
    }
    this.owesAnswer = this.wanted.everything;
    this.backlog.lackAll();
  }

  /** Takes up what became different in the set. */
  change(changes: readonly ResourceChange[]): void {
    if (this.backlog.isEverything) return;
    for (const { key, before } of changes) {
      if (!this.wants(key)) continue;
      const rejected = this.refusals?.overtaken(key) === true;
      if (this.backlog.has(key)) continue;
      this.backlog.put(key, rejected ? this.heldAfterRejection(key) : (before?.version ?? absent));
    }
  }

  /** Sends a resource once more although the client has it: Envoy waits for it after another one changed. */
  demand(name: string): void {
    const { backlog } = this;
    if (backlog.isEverything || !this.wants(name) || backlog.get(name) === asked) return;
    if (this.set.get(name) !== undefined || backlog.has(name)) backlog.put(name, demanded);
  }

  /** Takes the client's word that it holds all there is. */
  assumeHeld(): void {
    this.backlog.clear();
    this.owesAnswer = false;
  }

  /** Which parts wait to be sent. What is on trial does not count: it must not hold up other types. */
  pending(): { present: boolean; removed: boolean } {
    return this.backlog.pending();
  }

  /** True where something about the name waits to be sent. */
  isBehind(name: string): boolean {
    return this.backlog.has(name);
  }

  /**
   * The next message, which is in flight from now on; undefined where there is none or one is in flight already.
   *
   * @param options.limitBytes about how long a message may become; a single longer resource goes alone
   */
  take(options: { nonce: string; limitBytes: number; part: Part }): Batch | undefined {
    if (this.flight !== undefined) return undefined;
    const taken = this.takeTrial() ?? this.takeNews(options.limitBytes, options.part);
    if (taken === undefined) return undefined;
    const { batch } = taken;
    if (this.refused.size + this.missing.size > 0) {
      for (const { name } of batch.resources) {
        this.refusals?.forget(name);
        this.missing.delete(name);
      }
    }
    for (const name of batch.removed) {
      this.refusals?.forget(name);
      if (this.wanted.names.has(name)) this.missing.add(name);
    }
    this.flight = { nonce: options.nonce, ...taken };
    return batch;
  }

  /** Takes back the message in flight, which was not sent after all. */
  giveBack(): void {
    const { flight } = this;
    if (flight === undefined) return;
    this.flight = undefined;
    const owed = new Set(flight.owed);
    const fresh = new Set(flight.fresh);
    const { resources, removed } = flight.batch;
    for (const name of [...resources.map((resource) => resource.name), ...removed]) {
      if (!this.wants(name)) continue;
      const since = this.backlog.get(name);
      // Also where it has changed since: what was before that change the client does not hold either.
      if (owed.has(name)) this.backlog.put(name, demanded);
      else if (since !== asked && since !== demanded) this.backlog.put(name, fresh.has(name) ? absent : unknown);
    }
  }

  /** True where the names may be shared with other streams. */
  get ownsNames(): boolean {
    return this.wanted.mayShare;
  }

  /** Keeps the names once for all streams that ask for the same ones. Call it when the stream is quiet: it costs O(names). */
  shareNames(pool: NamePool): void {
    this.wanted.share(pool);
  }

  private readReply(request: SubscriptionRequest): Reply {
    if (request.nonce === "") return { kind: "none" };
    const flight = this.flight;
    if (flight === undefined || flight.nonce !== request.nonce) return { kind: "stale" };
    this.flight = undefined;
    const { batch, owed } = flight;
    if (request.rejection !== undefined) {
      for (const name of owed) if (this.wants(name)) this.waiting.add(name);
      return this.reject(flight, request.rejection);
    }
    this.refusals?.accepted(batch);
    if (this.waiting.size > 0) {
      for (const { name } of batch.resources) this.waiting.delete(name);
      for (const name of batch.removed) this.waiting.delete(name);
    }
    if (this.wholes !== undefined) this.wholes.accept(batch, this.refusals?.resources ?? new Map());
    else if (batch.removed.length > 0 && this.refusals !== undefined) {
      // A listener may have been refused because one that is gone now had its address.
      for (const name of this.refusals.resources.keys()) this.backlog.put(name, unknown);
      this.refusals.resources.clear();
    }
    return { kind: "ack", batch };
  }

  private reject({ batch, fresh }: Flight, message: string): Reply {
    this.refusals ??= new Refusals(this.set, this, this.isolates);
    for (const name of [...batch.resources.map((resource) => resource.name), ...batch.removed]) {
      const held = this.backlog.get(name);
      if (held !== undefined && held !== asked && held !== demanded) {
        this.backlog.put(name, this.heldAfterRejection(name));
      }
    }
    const meant = this.wholes?.reject(batch, message, this.set, this.refusals.resources) ?? batch.resources;
    return { kind: "nack", message, batch, refused: this.refusals.rejected(batch, fresh, message, meant) };
  }

  private heldAfterRejection(name: string): Held {
    return this.waiting.has(name) ? demanded : unknown;
  }

  private takeTrial(): Taken | undefined {
    const { refusals } = this;
    for (let trial = refusals?.nextTrial(); trial !== undefined; trial = refusals?.nextTrial()) {
      const resources: Resource[] = [];
      const removed: string[] = [];
      for (const name of trial.names) {
        if (this.backlog.has(name)) continue; // changed in the meantime: it goes out as news
        const resource = this.set.get(name);
        if (resource === undefined) removed.push(name);
        else if (this.wants(name) && resource.withheld !== true) resources.push(resource);
      }
      if (resources.length + removed.length === 0) continue;
      return { batch: { resources, removed, trial: trial.round }, owed: [], fresh: trial.fresh };
    }
    return undefined;
  }

  private takeNews(limitBytes: number, part: Part): Taken | undefined {
    const news = this.backlog.take({ limitBytes, part, isOwed: this.owesAnswer });
    if (news === undefined) return undefined;
    this.owesAnswer = false;
    const { resources, removed, owed, fresh } = news;
    return { batch: { resources, removed, trial: 0 }, owed, fresh };
  }

  private subscribeAll(kind: "legacy" | "explicit", held: ReadonlyMap<string, string>): void {
    const before = this.wanted.wildcard;
    this.wanted.wildcard = kind;
    if (before === "legacy") return; // says aloud what was implied
    for (const { name, version } of this.set.values()) {
      if (before === "explicit") this.backlog.put(name, asked);
      else if (!this.wanted.names.has(name)) this.compare(name, version, held.get(name));
    }
    this.owesAnswer = true;
  }

  private compare(name: string, version: string, held: string | undefined): void {
    if (version !== held) this.backlog.put(name, held ?? absent);
  }

  private subscribe(wanted: string, held: string | undefined): void {
    const resource = this.set.get(wanted);
    const name = resource?.name ?? wanted; // one string for all streams
    this.wanted.add(name);
    this.refusals?.forget(name);
    if (this.missing.size > 0) this.missing.delete(name);
    // Even what the client should have goes out again: it may have dropped it (xDS protocol, "Subscribing to Resources").
    if (held === undefined || held !== resource?.version) this.backlog.put(name, held ?? asked);
  }

  private unsubscribe(name: string): void {
    if (name === "*") {
      this.wanted.wildcard = "none";
      this.owesAnswer = false;
      this.backlog.retainNamed();
      return;
    }
    if (!this.wanted.names.has(name)) return;
    this.wanted.delete(name);
    this.missing.delete(name);
    this.refusals?.forget(name);
    this.waiting.delete(name);
    // Under a wildcard the client cannot know whether to keep it, and is told (xDS protocol, "Unsubscribing").
    if (!this.wanted.everything) this.backlog.delete(name);
    else this.backlog.put(name, asked);
  }

  /** What the client still holds from an earlier stream without naming it now; as in Istio it counts as asked for. */
  private adopt(held: ReadonlyMap<string, string>): void {
    for (const [name, version] of held) {
      const resource = this.set.get(name);
      if (this.wanted.everything) {
        if (resource === undefined) this.backlog.put(name, version);
      } else if (!this.wanted.names.has(name)) {
        this.wanted.add(resource?.name ?? name);
        if (resource?.version !== version) this.backlog.put(name, version);
      }
    }
  }
}

interface Taken {
  readonly batch: Batch;
  /** Names that the client waits for, whatever it holds. */
  readonly owed: readonly string[];
  /** Names under which the client holds nothing. */
  readonly fresh: readonly string[];
}

interface Flight extends Taken {
  readonly nonce: string;
}

/** Whoever says it twenty thousand times means it once: each time is a walk over everything. */
function oneWildcard(names: readonly string[]): readonly string[] {
  const at = names.indexOf("*");
  return at < 0 || names.lastIndexOf("*") === at ? names : names.filter((name, index) => name !== "*" || index === at);
}

const nothingRefused: ReadonlyMap<string, Resource> = new Map();
const noVersions: ReadonlyMap<string, string> = new Map();
