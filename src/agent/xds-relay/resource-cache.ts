// What the control plane sent last, and what Envoy last accepted of it: the agent's memory of one xDS type.
import { isWildcardType, typeUrls } from "../../xds/type-url.ts";

export interface CachedResource {
  readonly name: string;
  /** The control plane's version, or a hash of the body where it sends none (as istiod does). */
  readonly version: string;
  /** Type URL of the `google.protobuf.Any`. */
  readonly bodyType: string;
  /** Value of the `google.protobuf.Any`; never decoded on its way, never changed. */
  readonly body: Uint8Array;
}

/** One version that Envoy refused, and why. */
export interface Refusal {
  readonly name: string;
  readonly version: string;
  readonly message: string;
}

/** What happened to a type. */
export interface CacheChange {
  readonly typeUrl: string;
  /** Sent by the control plane, also where the version is the one we had: it wants them delivered again. */
  readonly sent: readonly string[];
  /** Gone, or said not to exist. */
  readonly removed: readonly string[];
  /** How many resources were left out because the cache is full. */
  readonly refused: number;
}

interface Entry {
  latest: CachedResource;
  verdict: "untested" | "accepted" | "rejected";
  /** What Envoy accepted before `latest`; kept until `latest` is accepted too. */
  good: CachedResource | undefined;
}

/** Most resources of one type; the control plane splits no mesh into more. */
export const resourceLimit = 200_000;

export class ResourceCache {
  readonly typeUrl: string;
  private readonly entries = new Map<string, Entry>();
  private readonly absentNames = new Set<string>();
  private readonly departedByName = new Map<string, CachedResource>();
  private readonly listeners = new Set<(change: CacheChange) => void>();
  private isAnswered = false;

  constructor(typeUrl: string) {
    this.typeUrl = typeUrl;
  }

  /** True once the control plane, or the disk, has said what exists; until then an empty cache means nothing. */
  get answered(): boolean {
    return this.isAnswered;
  }

  /** The newest version that Envoy has not rejected. */
  get(name: string): CachedResource | undefined {
    const entry = this.entries.get(name);
    return entry === undefined || entry.verdict !== "rejected" ? entry?.latest : entry.good;
  }

  /** True where the control plane sent the name and did not take it back, whatever Envoy thought of it. */
  has(name: string): boolean {
    return this.entries.has(name);
  }

  /** True where the newest version of the name is waiting for Envoy's word. */
  isUntested(name: string): boolean {
    return this.entries.get(name)?.verdict === "untested";
  }

  /** True where the newest version of the name is this one, and Envoy rejected it. */
  isRejected(name: string, version: string): boolean {
    const entry = this.entries.get(name);
    return entry?.verdict === "rejected" && entry.latest.version === version;
  }

  /** True where the newest version of the name is this one, and Envoy has not rejected it. */
  isUsable(name: string, version: string): boolean {
    const entry = this.entries.get(name);
    return entry !== undefined && entry.verdict !== "rejected" && entry.latest.version === version;
  }

  /** Names with a usable version. */
  *names(): IterableIterator<string> {
    for (const name of this.entries.keys()) if (this.get(name) !== undefined) yield name;
  }

  /** True where the control plane said that the name does not exist. */
  isAbsent(name: string): boolean {
    return this.absentNames.has(name);
  }

  /**
   * The last load assignment of a name that the control plane has taken back while Envoy asks for it. Envoy keeps its
   * endpoints until the cluster is removed; but told of this while the cluster is warming, it would go on without any, and with
   * it the routes that are still to be replaced. It is what a cluster that was changed meanwhile is to be given.
   */
  departed(name: string): CachedResource | undefined {
    return this.entries.has(name) ? undefined : this.departedByName.get(name);
  }

  /**
   * `initial_resource_versions` for the control plane. A resource without a usable version is named too, with an empty one, so
   * that its removal is told.
   */
  versions(): Record<string, string> {
    const versions: Record<string, string> = {};
    for (const name of this.entries.keys()) versions[name] = this.get(name)?.version ?? "";
    return versions;
  }

  /** What may be kept for bad times: nothing that Envoy rejected, and nothing untested where something better is known. */
  *lastKnownGood(): IterableIterator<CachedResource> {
    for (const entry of this.entries.values()) {
      const resource = entry.verdict === "accepted" ? entry.latest : (entry.good ?? entry.latest);
      if (entry.verdict !== "rejected" || entry.good !== undefined) yield resource;
    }
  }

  /** Takes a response of the control plane; resources beyond the limit are left out and counted. */
  apply(resources: readonly CachedResource[], removed: readonly string[]): void {
    this.isAnswered = true;
    let refused = 0;
    const sent: string[] = [];
    for (const resource of resources) {
      const entry = this.entries.get(resource.name);
      this.absentNames.delete(resource.name);
      if (entry === undefined && this.entries.size >= resourceLimit) {
        refused += 1;
        continue;
      }
      if (entry?.latest.version !== resource.version) {
        const good = entry?.verdict === "accepted" ? entry.latest : entry?.good;
        this.entries.set(resource.name, { latest: resource, verdict: "untested", good });
      } else if (entry.verdict === "rejected") {
        // Sent again means tried again: whatever was in its way may be gone, and only Envoy can say so.
        entry.verdict = "untested";
      }
      this.departedByName.delete(resource.name);
      sent.push(resource.name);
    }
    for (const name of removed) {
      const last = this.typeUrl === typeUrls.endpoint ? this.get(name) : undefined;
      if (last !== undefined) this.departedByName.set(name, last);
      this.entries.delete(name);
      // Of a wildcard type everything that was not sent is absent.
      if (!isWildcardType(this.typeUrl) && this.absentNames.size < resourceLimit) this.absentNames.add(name);
    }
    this.tell({ typeUrl: this.typeUrl, sent, removed, refused });
  }

  /** Fills the cache from disk; does nothing once the control plane has spoken. */
  restore(resources: readonly CachedResource[]): void {
    if (this.isAnswered) return;
    this.isAnswered = true;
    for (const resource of resources) {
      this.entries.set(resource.name, { latest: resource, verdict: "accepted", good: undefined });
    }
    this.tell({ typeUrl: this.typeUrl, sent: [...this.entries.keys()], removed: [], refused: 0 });
  }

  /** Envoy's answer to one version. */
  judge(resource: CachedResource, accepted: boolean): void {
    const entry = this.entries.get(resource.name);
    if (entry === undefined) return;
    if (entry.latest.version === resource.version) {
      // Also where it was accepted once: another Envoy may refuse it, and must not be sent it for ever.
      entry.verdict = accepted ? "accepted" : "rejected";
      // Nor is it what to return to where it was returned to itself: Envoy would be sent it for ever.
      if (accepted || entry.good?.version === resource.version) entry.good = undefined;
    } else if (accepted) {
      // Overtaken on its way, but good: what to return to.
      if (entry.verdict !== "accepted") entry.good = resource;
    } else if (entry.good?.version === resource.version) {
      entry.good = undefined;
    }
  }

  /** The agent's own answer to what was sent last. */
  judgeNewest(names: readonly string[], accepted: boolean): void {
    for (const name of names) {
      const resource = this.get(name);
      if (resource !== undefined) this.judge(resource, accepted);
    }
  }

  /**
   * Forgets rejected versions where there is a good one. A control plane that is told the good versions sends what it still
   * wants; of what its author took back meanwhile it says nothing.
   */
  returnToGood(): void {
    for (const [name, { verdict, good }] of this.entries) {
      if (verdict === "rejected" && good !== undefined) {
        this.entries.set(name, { latest: good, verdict: "accepted", good: undefined });
      }
    }
  }

  /** Gives every resource that was rejected another try; returns their names. */
  retry(): string[] {
    const names: string[] = [];
    for (const [name, entry] of this.entries) {
      if (entry.verdict !== "rejected") continue;
      entry.verdict = "untested";
      names.push(name);
    }
    return names;
  }

  /** Forgets all other names: nobody asks for them any more, so the control plane does not keep them current. */
  retain(names: ReadonlySet<string>): void {
    for (const name of this.entries.keys()) if (!names.has(name)) this.entries.delete(name);
    for (const name of this.absentNames) if (!names.has(name)) this.absentNames.delete(name);
    for (const name of this.departedByName.keys()) if (!names.has(name)) this.departedByName.delete(name);
  }

  get size(): number {
    return this.entries.size;
  }

  /** Calls `listener` after each response; returns the end of it. */
  subscribe(listener: (change: CacheChange) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private tell(change: CacheChange): void {
    for (const listener of this.listeners) listener(change);
  }
}
