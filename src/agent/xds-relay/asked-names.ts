// What is asked for of each type: by Envoy's streams, by the agent itself, and for an Envoy that is expected back.
import type { EnvoyStream } from "./envoy-stream.ts";
import { resourceLimit } from "./resource-cache.ts";
import type { Wanted } from "./upstream.ts";

export class AskedNames {
  private readonly streams: Iterable<EnvoyStream>;
  /** Types that are wanted whole. */
  private readonly followed: Set<string>;
  private readonly lingering = new Map<string, Set<string>>();

  constructor(streams: Iterable<EnvoyStream>, followed: readonly string[]) {
    this.streams = streams;
    this.followed = new Set(followed);
  }

  /** Types that are wanted whole, whoever asks. */
  get wholeTypes(): ReadonlySet<string> {
    return this.followed;
  }

  follow(typeUrl: string): void {
    this.followed.add(typeUrl);
  }

  /** Asks for these, too, until `endLinger`; of no type for more than there can be resources. */
  linger(typeUrl: string, names: Iterable<string>): void {
    const kept = this.lingering.get(typeUrl) ?? new Set();
    for (const name of names) {
      if (kept.size >= resourceLimit) break;
      kept.add(name);
    }
    if (kept.size > 0) this.lingering.set(typeUrl, kept);
  }

  endLinger(): void {
    this.lingering.clear();
  }

  of(typeUrl: string): Wanted {
    const names = new Set(this.lingering.get(typeUrl));
    let wildcard = this.followed.has(typeUrl);
    for (const stream of this.streams) {
      const subscription = stream.subscription(typeUrl);
      if (subscription === undefined) continue;
      wildcard ||= subscription.wildcard;
      for (const name of subscription.names) names.add(name);
    }
    return { wildcard, names };
  }

  has(typeUrl: string, name: string): boolean {
    if (this.followed.has(typeUrl) || this.lingering.get(typeUrl)?.has(name) === true) return true;
    for (const stream of this.streams) if (stream.subscription(typeUrl)?.wants(name) === true) return true;
    return false;
  }
}
