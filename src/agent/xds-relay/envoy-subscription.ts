// One xDS type on one stream of Envoy: what it asked for, what it holds, and what it must be sent next.
import { typeUrls } from "../../xds/type-url.ts";
import type { DeltaResponse, Flight, Permit, Verdict } from "./envoy-response.ts";
import type { CacheChange, CachedResource, ResourceCache } from "./resource-cache.ts";

/** Most names one stream may subscribe to per type. */
export const subscriptionLimit = 100_000;

/** Types whose empty first subscription is no wildcard. */
const namedTypes: ReadonlySet<string> = new Set([
  typeUrls.endpoint,
  typeUrls.route,
  typeUrls.secret,
  typeUrls.extensionConfig,
]);

/**
 * Types that Envoy is sent again where the control plane sends them again unchanged. Load assignments and routes are not among
 * them: they follow, from the cache, whatever was sent that waits for them.
 */
const redeliveredTypes: ReadonlySet<string> = new Set([typeUrls.secret, typeUrls.extensionConfig]);

/** Types whose versions in force are kept: whether they still name a cluster decides about its removal. */
const referringTypes: ReadonlySet<string> = new Set([typeUrls.listener, typeUrls.route]);

export class EnvoySubscription {
  readonly typeUrl: string;
  private readonly cache: ResourceCache;
  private readonly replaced: (resource: CachedResource) => void;
  private readonly explicit = new Set<string>();
  private readonly held = new Map<string, string>();
  /** Of types that refer to clusters: what Envoy acknowledged last, as far as this agent has seen it. */
  private readonly inForce = new Map<string, CachedResource>();
  /** Names about which Envoy may have to be told something. */
  private readonly due = new Set<string>();
  /** Names that are sent even where Envoy holds the version. */
  private readonly forced = new Set<string>();
  /** Names of which Envoy waits for an answer, or goes on with what must not stay; all others are updates. */
  private readonly urgent = new Set<string>();
  /** Names that Envoy asks for and was told not to exist. */
  private readonly missingNames = new Set<string>();
  /** Parts of a rejected response, tried apart to find the offender. */
  private readonly trials: string[][] = [];
  private flight: Flight | undefined;
  private isWildcard = false;
  /** A wildcard subscription is answered once even with nothing, or Envoy would wait to become ready. */
  private owesAnswer = false;
  private started = false;
  private isTaken = false;

  /** @param replaced is called with what Envoy had of a type that refers to clusters, once it has taken what comes after */
  constructor(cache: ResourceCache, replaced: (resource: CachedResource) => void = () => {}) {
    this.typeUrl = cache.typeUrl;
    this.cache = cache;
    this.replaced = replaced;
  }

  get wildcard(): boolean {
    return this.isWildcard;
  }

  get names(): ReadonlySet<string> {
    return this.explicit;
  }

  /** True once Envoy has accepted a response on this stream. */
  get taken(): boolean {
    return this.isTaken;
  }

  /** True while a response waits for Envoy's answer. */
  get inFlight(): boolean {
    return this.flight !== undefined;
  }

  /** True where something is left to be sent. */
  get hasDue(): boolean {
    return this.due.size > 0 || this.trials.length > 0 || (this.owesAnswer && this.cache.answered);
  }

  /** True where a new or changed resource is left to be sent. */
  get hasAdds(): boolean {
    if (this.trials.length > 0) return true;
    for (const name of this.due) {
      const resource = this.cache.get(name);
      if (resource !== undefined && this.held.get(name) !== resource.version) return true;
    }
    return false;
  }

  isDue(name: string): boolean {
    return this.due.has(name);
  }

  /** Names that Envoy asks for and was told not to exist. */
  get missing(): ReadonlySet<string> {
    return this.missingNames;
  }

  /** Names of which Envoy has not taken any version yet, and of which one is on its way. */
  *untaken(): IterableIterator<string> {
    for (const [name, { before }] of this.flight?.sent ?? []) if (before === undefined) yield name;
    for (const trial of this.trials) for (const name of trial) if (!this.held.has(name)) yield name;
    for (const name of this.due) if (!this.held.has(name) && this.cache.get(name) !== undefined) yield name;
  }

  /**
   * What Envoy may be using of names about which something is on its way; undefined for what this agent has never seen. Of
   * types that refer to clusters.
   */
  *overtaken(): IterableIterator<CachedResource | undefined> {
    const { flight } = this;
    const names = new Set([
      ...this.due,
      ...(flight?.sent.keys() ?? []),
      ...(flight?.removed ?? []),
      ...this.trials.flat(),
    ]);
    for (const name of names) {
      const sent = flight?.sent.get(name);
      const known = this.inForce.get(name);
      if (known !== undefined) yield known;
      else if (sent === undefined ? this.held.has(name) : sent.before !== undefined) yield undefined;
      if (sent !== undefined) yield sent.resource;
    }
    // Envoy takes of a rejected response what it can.
    for (const name of this.trials.flat()) {
      const resource = this.cache.get(name);
      if (resource !== undefined) yield resource;
    }
  }

  /** True where all that is left to be sent are newer versions of what Envoy goes on with meanwhile. */
  get hasOnlyUpdates(): boolean {
    if (this.trials.length > 0 || this.owesAnswer) return false;
    for (const name of this.due) if (this.urgent.has(name) || !this.held.has(name)) return false;
    return true;
  }

  /** True where Envoy's word on this name is still to come. */
  awaits(name: string): boolean {
    return (
      this.due.has(name) ||
      this.flight?.sent.has(name) === true ||
      this.flight?.removed.has(name) === true ||
      this.trials.some((trial) => trial.includes(name))
    );
  }

  /**
   * Takes the subscription part of a request.
   *
   * @param initialVersions of the first request on a stream
   */
  request(
    subscribe: readonly string[],
    unsubscribe: readonly string[],
    initialVersions: Readonly<Record<string, string>>,
  ): void {
    const first = !this.started;
    this.started = true;
    for (const [name, version] of first ? Object.entries(initialVersions) : []) {
      this.held.set(name, version);
      const resource = this.cache.get(name);
      if (resource?.version === version) this.keep(name, resource);
    }
    if (subscribe.includes("*") || (first && subscribe.length === 0 && !namedTypes.has(this.typeUrl))) {
      this.isWildcard = true;
      this.owesAnswer = true;
      for (const name of this.cache.names()) this.due.add(name);
      for (const name of this.held.keys()) this.due.add(name);
    }
    for (const name of subscribe) {
      if (name === "*") continue;
      this.explicit.add(name);
      this.due.add(name);
      this.urgent.add(name);
      // Asked for again means sent again, whatever was sent before (xDS protocol, "Resubscribing").
      if (!(first && this.held.has(name))) this.forced.add(name);
    }
    for (const name of unsubscribe) this.unsubscribe(name);
  }

  private unsubscribe(name: string): void {
    if (name === "*") {
      this.isWildcard = false;
      for (const held of [...this.held.keys()]) if (!this.explicit.has(held)) this.drop(held);
    } else if (this.explicit.delete(name) && !this.isWildcard) this.drop(name);
  }

  private drop(name: string): void {
    this.held.delete(name);
    this.inForce.delete(name);
    this.missingNames.delete(name);
    this.due.delete(name);
    this.forced.delete(name);
    this.urgent.delete(name);
  }

  private keep(name: string, resource: CachedResource | undefined): void {
    if (!referringTypes.has(this.typeUrl)) return;
    const before = this.inForce.get(name);
    if (resource === undefined) this.inForce.delete(name);
    else this.inForce.set(name, resource);
    if (before !== undefined && before.version !== resource?.version) this.replaced(before);
  }

  wants(name: string): boolean {
    return this.isWildcard || this.explicit.has(name);
  }

  /** The control plane sent something of this type. */
  changed(change: CacheChange): void {
    for (const name of change.sent) {
      if (!this.wants(name)) continue;
      if (redeliveredTypes.has(this.typeUrl)) this.forced.add(name);
      else if (this.held.get(name) === this.cache.get(name)?.version) continue;
      this.due.add(name);
    }
    for (const name of change.removed) if (this.wants(name)) this.due.add(name);
  }

  /** Sends these again where Envoy holds them already: it will wait for them (DESIGN law 4). */
  force(name: string): void {
    if (!this.explicit.has(name)) return;
    this.due.add(name);
    this.forced.add(name);
    this.urgent.add(name);
  }

  /** The next response, or nothing while one is in flight or nothing is due that may go. */
  next(nonce: string, permit: Permit): DeltaResponse | undefined {
    if (this.flight !== undefined) return undefined;
    if (this.isWildcard && !this.cache.answered) return undefined;
    const trial = this.trials.shift();
    if (trial !== undefined) for (const name of trial) if (this.wants(name)) this.forced.add(name);
    const resources: CachedResource[] = [];
    const removed: string[] = [];
    let waits = false;
    for (const name of trial ?? [...this.due]) {
      if (!this.wants(name) && !this.held.has(name)) {
        this.drop(name);
        continue;
      }
      const resource = this.cache.get(name);
      if (resource !== undefined) {
        const isNews = this.forced.has(name) || this.held.get(name) !== resource.version;
        if (isNews && trial === undefined && !permit.send(resource)) {
          waits = true;
          continue;
        }
        this.due.delete(name);
        this.urgent.delete(name);
        this.forced.delete(name);
        if (isNews) resources.push(resource);
      } else if (this.cache.departed(name) !== undefined) {
        this.due.delete(name);
        this.urgent.delete(name);
        const last = this.forced.delete(name) ? this.cache.departed(name) : undefined;
        if (last !== undefined) resources.push(last);
      } else if (this.isGone(name)) {
        if (!permit.remove(name)) continue;
        this.due.delete(name);
        this.forced.delete(name);
        this.urgent.delete(name);
        removed.push(name);
      } else {
        // Not known yet: the control plane's answer makes it due again.
        this.due.delete(name);
      }
    }
    if (resources.length === 0 && removed.length === 0) {
      if (trial !== undefined) return this.next(nonce, permit);
      if (!this.owesAnswer || waits) return undefined;
    }
    this.owesAnswer = false;
    this.depart(nonce, resources, removed);
    return { resources, removed };
  }

  /** True where Envoy must be told that a name does not exist; a name nobody has answered for is not gone. */
  private isGone(name: string): boolean {
    if (this.cache.has(name)) return false;
    return this.cache.isAbsent(name) || (this.isWildcard && this.held.has(name));
  }

  private depart(nonce: string, resources: readonly CachedResource[], removed: readonly string[]): void {
    const sent: Flight["sent"] = new Map();
    for (const resource of resources) {
      sent.set(resource.name, { resource, before: this.held.get(resource.name) });
      this.held.set(resource.name, resource.version);
      this.missingNames.delete(resource.name);
    }
    for (const name of removed) {
      this.held.delete(name);
      if (this.explicit.has(name)) this.missingNames.add(name);
    }
    this.flight = { nonce, sent, removed: new Set(removed) };
  }

  /**
   * Envoy's answer to a response.
   *
   * @param error its message where it rejected the response
   * @returns undefined where the nonce is not the one in flight
   */
  answer(nonce: string, error: string | undefined): Verdict | undefined {
    const flight = this.flight;
    if (flight?.nonce !== nonce) return undefined;
    this.flight = undefined;
    // A listener may have been refused because one that is gone now had its address.
    if (this.typeUrl === typeUrls.listener && flight.removed.size > 0) {
      for (const name of this.cache.retry()) if (this.wants(name)) this.due.add(name);
    }
    const names = [...flight.sent.keys()];
    if (error === undefined) {
      this.isTaken = true;
      for (const { resource } of flight.sent.values()) {
        this.cache.judge(resource, true);
        if (this.held.get(resource.name) === resource.version) this.keep(resource.name, resource);
      }
      for (const name of flight.removed) if (!this.held.has(name)) this.keep(name, undefined);
      return { accepted: [...names, ...flight.removed], rejected: [] };
    }
    for (const [name, { before }] of flight.sent) {
      if (before === undefined) this.held.delete(name);
      else this.held.set(name, before);
    }
    if (names.length > 1) {
      // Envoy's answer does not say which one it means; some types are applied in part. Halving finds the offender and gets
      // everything else applied.
      const middle = Math.ceil(names.length / 2);
      this.trials.unshift(names.slice(0, middle), names.slice(middle));
      return { accepted: [...flight.removed], rejected: [] };
    }
    for (const [name, { resource }] of flight.sent) {
      this.cache.judge(resource, false);
      this.due.add(name); // an older version that Envoy accepted, or a newer one that arrived meanwhile
    }
    const rejected = [...flight.sent].map(([name, { resource }]) => ({
      name,
      version: resource.version,
      message: error,
    }));
    return { accepted: [...flight.removed], rejected };
  }
}
