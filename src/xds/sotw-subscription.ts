// The same state for a state-of-the-world stream: requests list all names, responses of CDS and LDS list all resources.
// (xDS protocol, "Grouping Resources into Responses", "ACK/NACK and resource type instance version".)
import { contentHash } from "../kernel/hash.ts";
import type { ResourceChange, ResourceSet } from "./generator.ts";
import type { NamePool } from "./name-pool.ts";
import type { Resource } from "./resource.ts";
import { Subscription } from "./subscription.ts";
import type { Batch, Part, Reply } from "./subscription-request.ts";
import { typeUrls } from "./type-url.ts";

/** One request of the client for the type, as DiscoveryRequest says it. */
export interface SotwRequest {
  /** `version_info`. */
  readonly versionInfo: string;
  /** `resource_names`. */
  readonly names: readonly string[];
  /** `response_nonce`. */
  readonly nonce: string;
  /** The message of `error_detail`. */
  readonly rejection: string | undefined;
}

/** Types whose responses must hold every resource: what is not in them is gone. */
const completeTypes: ReadonlySet<string> = new Set([typeUrls.cluster, typeUrls.listener]);

export class SotwSubscription {
  private readonly set: ResourceSet;
  private readonly inner: Subscription;
  private readonly complete: boolean;
  /**
   * What the client holds of what has changed or gone since; what is gone stays in responses until its removal may go out, and
   * what something withheld stands in place of as long as it does.
   */
  private readonly old = new Map<string, Resource>();
  /** Of the last response: what was gone already, and what the client keeps in place of something withheld. */
  private leaving: Resource[] = [];
  private opened = false;
  /** The client has named resources; an empty list means "nothing" from then on. */
  private explicit = false;
  private lastNonce = "";

  constructor(typeUrl: string, set: ResourceSet) {
    this.set = set;
    this.complete = completeTypes.has(typeUrl);
    this.inner = new Subscription(typeUrl, set, { tellsRemovals: this.complete, isolates: !this.complete });
  }

  get namesLength(): number {
    return this.inner.namesLength;
  }

  get nameCount(): number {
    return this.inner.nameCount;
  }

  get resourceCount(): number {
    return this.inner.resourceCount;
  }

  get behindCount(): number {
    return this.inner.behindCount;
  }

  behindNames(): Iterable<[name: string, held: string | undefined]> {
    return this.inner.behindNames();
  }

  get batchInFlight(): Batch | undefined {
    return this.inner.batchInFlight;
  }

  wantedResources(): Iterable<Resource> {
    return this.inner.wantedResources();
  }

  get inFlight(): boolean {
    return this.inner.inFlight;
  }

  get settled(): boolean {
    return this.inner.settled;
  }

  get refused(): ReadonlyMap<string, Resource> {
    return this.inner.refused;
  }

  get refusing(): boolean {
    return this.inner.refusing;
  }

  wants(name: string): boolean {
    return this.inner.wants(name);
  }

  receive(request: SotwRequest): Reply {
    const first = !this.opened;
    this.opened = true;
    // A newer response is on its way; its answer will carry the names that count. Where nothing was sent the nonce is one of
    // an earlier stream, and nothing newer will come (as in Istio).
    const overtaken = request.nonce !== this.lastNonce && this.lastNonce !== "";
    if (request.nonce !== "" && overtaken) return { kind: "stale" };
    const answers = request.nonce !== "" && this.inner.inFlight;
    const reply = this.inner.receive({
      ...this.difference(request.names),
      initialVersions: noVersions,
      nonce: answers ? request.nonce : "",
      rejection: request.rejection,
    });
    const reconnected = first && this.complete && !this.explicit && request.versionInfo !== "";
    if (reconnected && request.versionInfo === this.version()) this.inner.assumeHeld();
    return reply;
  }

  change(changes: readonly ResourceChange[]): void {
    if (this.complete) {
      for (const { key, before } of changes) {
        if (before === undefined || before.withheld === true) continue; // the client has what was before that
        if (this.wants(key) && !this.inner.isBehind(key)) this.old.set(key, before);
      }
    }
    this.inner.change(changes);
  }

  demand(name: string): void {
    this.inner.demand(name);
  }

  pending(): { present: boolean; removed: boolean } {
    return this.inner.pending();
  }

  take(options: { nonce: string; limitBytes: number; part: Part }): Batch | undefined {
    const batch = this.inner.take(this.complete ? completeOptions(options) : options);
    if (batch === undefined) return undefined;
    this.lastNonce = options.nonce;
    if (!this.complete) return batch;
    this.leaving = [];
    for (const [name, resource] of this.old) {
      const present = this.set.get(name);
      if (present?.withheld === true || (present === undefined && this.inner.isBehind(name)))
        this.leaving.push(resource);
      else if (!this.inner.isBehind(name)) this.old.delete(name);
    }
    return { ...batch, resources: [...this.wantedResources(), ...this.leaving] };
  }

  get ownsNames(): boolean {
    return this.inner.ownsNames;
  }

  shareNames(pool: NamePool): void {
    this.inner.shareNames(pool);
  }

  /**
   * `version_info` of the last response: a hash of everything in it. A client that comes back with the version of a response
   * that held what was about to go must be told that it is gone.
   */
  version(): string {
    const lines = [...this.wantedResources(), ...this.leaving]
      .map((resource) => `${resource.name}\0${resource.version}`)
      .sort();
    return contentHash(...lines);
  }

  private difference(names: readonly string[]): { subscribe: string[]; unsubscribe: string[] } {
    if (!this.explicit && names.length === 0) return { subscribe: [], unsubscribe: [] };
    this.explicit = true;
    const asked = new Set(names);
    const known = this.inner.wantedNames;
    const subscribe = [...asked].filter((name) => (name === "*" ? !this.inner.isWildcard : !known.has(name)));
    const unsubscribe = [...known].filter((name) => !asked.has(name));
    if (this.inner.isWildcard && !asked.has("*")) unsubscribe.push("*");
    return { subscribe, unsubscribe };
  }
}

/** A complete response cannot be split, and one without what is gone holds all that is new. */
function completeOptions(options: { nonce: string; part: Part }): { nonce: string; limitBytes: number; part: Part } {
  const part = options.part === "removed" ? "all" : options.part;
  return { nonce: options.nonce, limitBytes: Number.POSITIVE_INFINITY, part };
}

const noVersions: ReadonlyMap<string, string> = new Map();
