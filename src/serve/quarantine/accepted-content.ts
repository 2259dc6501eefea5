// What proxies of each Envoy version have accepted. Asked for every resource of every acknowledgement: a lookup, no text.
import { Tally } from "../../kernel/tally.ts";
import type { Resource, ResourceFragment } from "../../xds/resource.ts";

/** Envoy versions that are told apart; of more, the one with the fewest streams is forgotten. Versions are only claims. */
const versionLimit = 32;

type Content = Resource | ResourceFragment;

export class AcceptedContent {
  /** By Envoy version, oldest first: content with the connection that acknowledged it first. */
  private readonly versions = new Map<string, WeakMap<Content, string>>();
  private readonly streams = new Tally<string>();

  joined(envoyVersion: string): void {
    this.streams.add(envoyVersion);
  }

  left(envoyVersion: string): void {
    this.streams.remove(envoyVersion);
  }

  /** @returns true where nobody of the version had acknowledged it */
  add(envoyVersion: string, resource: Resource, connectionId: string): boolean {
    const known = this.of(envoyVersion);
    if (known.has(resource)) return false;
    known.set(resource, connectionId);
    for (const fragment of resource.fragments ?? []) if (!known.has(fragment)) known.set(fragment, connectionId);
    return true;
  }

  has(envoyVersion: string, content: Content): boolean {
    return this.versions.get(envoyVersion)?.has(content) === true;
  }

  /** Takes back a word: an agent acknowledges for an Envoy that is away for long, and hears otherwise later. */
  retract(envoyVersion: string, resource: Resource, connectionId: string): void {
    const known = this.versions.get(envoyVersion);
    if (known?.get(resource) === connectionId) known.delete(resource);
  }

  private of(envoyVersion: string): WeakMap<Content, string> {
    let known = this.versions.get(envoyVersion);
    if (known === undefined) {
      known = new WeakMap();
      if (this.versions.size >= versionLimit) this.forgetOne();
      this.versions.set(envoyVersion, known);
    }
    return known;
  }

  private forgetOne(): void {
    let victim: string | undefined;
    for (const version of this.versions.keys()) {
      if (victim === undefined || this.streams.get(version) < this.streams.get(victim)) victim = version;
    }
    if (victim !== undefined) this.versions.delete(victim);
  }
}
