// What proxies of each Envoy version have accepted. Asked for every resource of every acknowledgement: a lookup, no text.
import { Tally } from "../../kernel/tally.ts";
import type { Resource, ResourceFragment } from "../../xds/resource.ts";

/** Envoy versions that are told apart; of more, the one with the fewest streams is forgotten. Versions are only claims. */
const versionLimit = 32;

type Content = Resource | ResourceFragment;

/** Lists from this length on are known again as a whole: at a first sync all streams get the same one. */
const longList = 4;

/** What was accepted with one Envoy version. */
interface Accepted {
  /** With the connection that acknowledged it first. */
  readonly contents: WeakMap<Content, string>;
  /** Lists of which all is in `contents`. */
  lists: WeakSet<readonly Resource[]>;
}

export class AcceptedContent {
  /** By Envoy version, oldest first. */
  private readonly versions = new Map<string, Accepted>();
  private readonly streams = new Tally<string>();

  joined(envoyVersion: string): void {
    this.streams.add(envoyVersion);
  }

  left(envoyVersion: string): void {
    this.streams.remove(envoyVersion);
  }

  add(envoyVersion: string, resources: readonly Resource[], connectionId: string): void {
    const { contents, lists } = this.of(envoyVersion);
    const isLong = resources.length >= longList;
    if (isLong && lists.has(resources)) return;
    for (const resource of resources) {
      if (contents.has(resource)) continue;
      contents.set(resource, connectionId);
      for (const part of resource.fragments ?? []) if (!contents.has(part)) contents.set(part, connectionId);
    }
    if (isLong) lists.add(resources);
  }

  has(envoyVersion: string, content: Content): boolean {
    return this.versions.get(envoyVersion)?.contents.has(content) === true;
  }

  /** Takes back a word: an agent acknowledges for an Envoy that is away for long, and hears otherwise later. */
  retract(envoyVersion: string, resource: Resource, connectionId: string): void {
    const accepted = this.versions.get(envoyVersion);
    if (accepted?.contents.get(resource) !== connectionId) return;
    accepted.contents.delete(resource);
    accepted.lists = new WeakSet();
  }

  private of(envoyVersion: string): Accepted {
    let accepted = this.versions.get(envoyVersion);
    if (accepted === undefined) {
      accepted = { contents: new WeakMap(), lists: new WeakSet() };
      if (this.versions.size >= versionLimit) this.forgetOne();
      this.versions.set(envoyVersion, accepted);
    }
    return accepted;
  }

  private forgetOne(): void {
    let victim: string | undefined;
    for (const version of this.versions.keys()) {
      if (victim === undefined || this.streams.get(version) < this.streams.get(victim)) victim = version;
    }
    if (victim !== undefined) this.versions.delete(victim);
  }
}
