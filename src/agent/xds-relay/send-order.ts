// Make before break towards Envoy: what listeners and routes wait for, and how long clusters stay.
//
// - A listener or route goes once Envoy has acknowledged every cluster that it names: Envoy does so when they are warm. One
//   that became so without a load assignment, for there was none, is waited for like a new one: it is about to go or to change.
// - It goes after the load assignments that came before it; Envoy takes in order what is sent on one stream.
// - A cluster is removed once no listener or route that Envoy may still use names it. What the control plane has nothing newer
//   for is not looked at: who removes the cluster has seen to that. The connections of a listener that was replaced go on with
//   its old filter chains until they are drained.
//
// None of this goes by time while Envoy answers: a slow machine takes longer. Only a cluster that does not become warm is not
// waited for without end, and it holds up nothing but what names it.
import type { Cancel, Clock } from "../../kernel/clock.ts";
import { typeUrls } from "../../xds/type-url.ts";
import { drainTimeMs } from "../envoy/drain-time.ts";
import type { Permit } from "./envoy-response.ts";
import type { EnvoySubscription } from "./envoy-subscription.ts";
import { NamedIn } from "./named-in.ts";
import type { CachedResource } from "./resource-cache.ts";

/**
 * Longest time that a listener or route waits for what it names, milliseconds. Envoy itself waits 15 s for a load assignment
 * (`initial_fetch_timeout`), and then answers for the cluster as it is.
 */
export const orderHoldMs = 20_000;
/**
 * The same for routes that Envoy has none of under their name, milliseconds: their listeners wait for them, for 15 s likewise,
 * and would open without any.
 */
export const firstRoutesHoldMs = 14_000;
/** Of more new clusters than this none is looked for: it is a first synchronisation, and all is waited for. */
const lookedForLimit = 16;
/** Replaced listeners whose connections are taken to be draining; of more only the newest, and no more bytes than this. */
const drainingLimit = 32;
const drainingBytesLimit = 8 << 20;

const referring: readonly string[] = [typeUrls.listener, typeUrls.route];
const never = Number.POSITIVE_INFINITY;
const none: ReadonlySet<string> = new Set();
const always = (): boolean => true;
const anything: Permit = { send: always, remove: always };

export interface SendOrderOptions {
  types: ReadonlyMap<string, EnvoySubscription>;
  clock: Clock;
  /** Something that waited may go by now. */
  wake: () => void;
  /** A listener or route goes although Envoy has not taken all that it names. */
  overdue: (typeUrl: string, name: string, waitedMs: number) => void;
}

export class SendOrder {
  private readonly options: SendOrderOptions;
  private readonly named = new NamedIn();
  /** Until when a listener or route waits at most, monotonic milliseconds, by type and name. */
  private readonly holds = new Map<string, Map<string, number>>(referring.map((typeUrl) => [typeUrl, new Map()]));
  /** Oldest first. */
  private draining: { readonly listener: CachedResource; readonly untilMs: number }[] = [];
  /** When a removal that waits for connections may go, monotonic milliseconds. */
  private removalMs: number | undefined;
  /** Load assignments that do not exist and were waited for long enough. */
  private readonly givenUp = new Set<string>();
  private cancelTimer: Cancel | undefined;

  constructor(options: SendOrderOptions) {
    this.options = options;
  }

  /** What may go out of a type at this moment. */
  permit(typeUrl: string): Permit {
    if (typeUrl === typeUrls.cluster) {
      this.removalMs = undefined;
      return { send: always, remove: (name) => !this.mayBeUsed(name) && !this.mayBeDraining(name) };
    }
    const holds = this.holds.get(typeUrl);
    return holds === undefined ? anything : this.referringPermit(typeUrl, holds);
  }

  /** Envoy has taken what comes after the resource. */
  replaced(typeUrl: string, resource: CachedResource): void {
    if (typeUrl !== typeUrls.listener) return;
    const now = this.options.clock.monotonic();
    this.draining = this.draining.filter(({ untilMs }) => untilMs > now);
    this.draining.push({ listener: resource, untilMs: now + drainTimeMs });
    let bytes = this.draining.reduce((sum, { listener }) => sum + listener.body.length, 0);
    while (this.draining.length > drainingLimit || bytes > drainingBytesLimit) {
      bytes -= this.draining.shift()?.listener.body.length ?? 0;
    }
  }

  /** To be called when all that may go has gone. */
  settle(): void {
    this.cancelTimer?.();
    this.cancelTimer = undefined;
    const { clock, types, wake } = this.options;
    const now = clock.monotonic();
    // What was due before now waits for something else besides, and is looked at with that.
    let nextMs = this.removalMs !== undefined && this.removalMs > now ? this.removalMs : never;
    for (const [typeUrl, holds] of this.holds) {
      for (const [name, untilMs] of holds) {
        if (types.get(typeUrl)?.isDue(name) !== true) holds.delete(name);
        else if (untilMs > now) nextMs = Math.min(nextMs, untilMs);
      }
    }
    if (nextMs !== never) this.cancelTimer = clock.after(nextMs - now, wake);
  }

  stop(): void {
    this.cancelTimer?.();
  }

  private referringPermit(typeUrl: string, holds: Map<string, number>): Permit {
    const { types, clock, overdue } = this.options;
    const isBehind = types.get(typeUrls.endpoint)?.hasAdds === true;
    const fresh: string[] = [];
    for (const name of types.get(typeUrls.cluster)?.untaken() ?? []) {
      fresh.push(name);
      if (fresh.length > lookedForLimit) break;
    }
    const first = typeUrl === typeUrls.route ? new Set(types.get(typeUrl)?.untaken()) : none;
    const missing = types.get(typeUrls.endpoint)?.missing ?? none;
    for (const name of this.givenUp) if (!missing.has(name)) this.givenUp.delete(name);
    const bare = missing.size > lookedForLimit ? [] : [...missing].filter((name) => !this.givenUp.has(name));
    const send: Permit["send"] = (resource) => {
      const waits =
        isBehind || fresh.length > lookedForLimit || [...fresh, ...bare].some((name) => this.named.has(resource, name));
      const now = clock.monotonic();
      const holdMs = first.has(resource.name) ? firstRoutesHoldMs : orderHoldMs;
      const untilMs = holds.get(resource.name) ?? now + holdMs;
      if (waits && now < untilMs) {
        holds.set(resource.name, untilMs);
        return false;
      }
      holds.delete(resource.name);
      if (waits) {
        for (const name of bare) this.givenUp.add(name);
        overdue(typeUrl, resource.name, holdMs);
      }
      return true;
    };
    return { send, remove: always };
  }

  /** True where a listener or route that Envoy may use names the cluster, and a newer one is on its way. */
  private mayBeUsed(cluster: string): boolean {
    for (const typeUrl of referring) {
      for (const resource of this.options.types.get(typeUrl)?.overtaken() ?? []) {
        if (resource === undefined || this.named.has(resource, cluster)) return true;
      }
    }
    return false;
  }

  private mayBeDraining(cluster: string): boolean {
    const now = this.options.clock.monotonic();
    const last = this.draining.findLast(({ listener, untilMs }) => untilMs > now && this.named.has(listener, cluster));
    if (last === undefined) return false;
    this.removalMs = Math.min(this.removalMs ?? never, last.untilMs);
    return true;
  }
}
