// Between Envoy and the control plane: two independent delta streams with a cache in the middle, so that either end may go away.
import type { Node } from "../../../gen/envoy/config/core/v3/base_pb.ts";
import type { Cancel, Clock } from "../../kernel/clock.ts";
import { describeError } from "../../kernel/error.ts";
import type { Log } from "../../kernel/log.ts";
import type { Counter, Gauge, Metrics } from "../../kernel/metric.ts";
import { typeUrls } from "../../xds/type-url.ts";
import { agentErrors } from "../errors.ts";
import type { CallListener, GrpcCall } from "../grpc/server-call.ts";
import { EnvoyStream, type EnvoyStreamHost } from "./envoy-stream.ts";
import type { Verdict } from "./envoy-subscription.ts";
import { type CacheChange, ResourceCache, resourceLimit } from "./resource-cache.ts";
import { Upstream, type UpstreamHost, type UpstreamResponse, type Wanted } from "./upstream.ts";

export interface XdsRelayOptions {
  /** The node that introduces this machine to the control plane. */
  node: () => Node;
  clock: Clock;
  log: Log;
  metrics: Metrics;
}

/** What the connection to the control plane drives. */
export interface UpstreamListener {
  message(bytes: Uint8Array): void;
  closed(): void;
}

/** A response of the control plane that Envoy has not decided about. */
interface Delivery {
  nonce: string;
  names: Set<string>;
  errors: string[];
}

/** One Envoy, and a second one while it restarts. */
const streamLimit = 4;
/** Types that are cached; more than Envoy knows. */
const typeLimit = 64;
/**
 * After Envoy is gone its named subscriptions are kept this long after it came back, milliseconds: it asks for names again only
 * as its clusters and listeners warm, and nothing should be fetched twice for that.
 */
export const lingerMs = 60_000;

export class XdsRelay implements EnvoyStreamHost, UpstreamHost {
  private readonly options: XdsRelayOptions;
  private readonly caches = new Map<string, ResourceCache>();
  private readonly streams = new Set<EnvoyStream>();
  /** Types that the agent itself wants whole. */
  private readonly followed = new Set<string>([typeUrls.cluster, typeUrls.listener]);
  private readonly consumers = new Map<string, (cache: ResourceCache, change: CacheChange) => void>();
  private readonly lingering = new Map<string, Set<string>>();
  private readonly deliveries = new Map<string, Delivery[]>();
  private readonly changeListeners = new Set<(typeUrl: string) => void>();
  private upstream: Upstream | undefined;
  private cancelLinger: Cancel | undefined;
  private readonly requests: Counter;
  private readonly responses: Counter;
  private readonly envoyEnds: Counter;
  private readonly rejections: Counter<"type">;
  private readonly cached: Gauge<"type">;

  constructor(options: XdsRelayOptions) {
    this.options = options;
    const { metrics } = options;
    this.requests = metrics.counter("xds_proxy_requests", "Discovery requests that Envoy sent to the agent.");
    this.responses = metrics.counter("xds_proxy_responses", "Discovery responses that the control plane sent.");
    this.envoyEnds = metrics.counter("envoy_connection_terminations", "ADS streams of Envoy that ended.");
    this.rejections = metrics.counter("xds_proxy_rejections", "Resources that Envoy rejected, by type.", ["type"]);
    this.cached = metrics.gauge("xds_proxy_cached_resources", "Resources in the agent's cache, by type.", ["type"]);
  }

  /** Follows a type for the agent itself; what `consumer` throws is answered as a rejection. Call before connecting. */
  follow(typeUrl: string, consumer: (cache: ResourceCache, change: CacheChange) => void): void {
    this.followed.add(typeUrl);
    this.consumers.set(typeUrl, consumer);
  }

  /** Tells about types whose cache changed, or whose resources Envoy decided about. */
  onChange(listener: (typeUrl: string) => void): () => void {
    this.changeListeners.add(listener);
    return () => this.changeListeners.delete(listener);
  }

  /** Names from the disk: they are kept current until Envoy has had time to ask for what it needs. */
  restored(typeUrl: string): void {
    this.lingering.set(typeUrl, new Set(this.cacheOf(typeUrl).names()));
  }

  /** True once Envoy has taken clusters and listeners. */
  get envoyConfigured(): boolean {
    for (const stream of this.streams) {
      const types = [typeUrls.cluster, typeUrls.listener];
      if (types.every((typeUrl) => stream.subscription(typeUrl)?.taken === true)) return true;
    }
    return false;
  }

  /** Takes a delta ADS stream of Envoy. */
  acceptEnvoy(call: GrpcCall): CallListener {
    if (this.streams.size >= streamLimit) throw agentErrors.tooManyCalls("too many ADS streams on the agent's socket");
    const stream = new EnvoyStream(call, this, this.options.clock);
    this.streams.add(stream);
    this.cancelLinger?.();
    this.cancelLinger = this.options.clock.after(lingerMs, () => this.endLinger());
    return {
      message: (bytes) => {
        this.requests.inc();
        stream.message(bytes);
      },
      closed: () => stream.closed(),
    };
  }

  /** Takes a new stream to the control plane; the one before it is over. */
  openUpstream(send: (message: Uint8Array) => void): UpstreamListener {
    this.deliveries.clear();
    const upstream = new Upstream(this, send);
    this.upstream = upstream;
    return {
      message: (bytes) => {
        if (this.upstream === upstream) upstream.message(bytes);
      },
      closed: () => {
        if (this.upstream !== upstream) return;
        this.upstream = undefined;
        this.deliveries.clear();
      },
    };
  }

  stop(): void {
    this.cancelLinger?.();
  }

  // The side of the control plane.

  node(): Node {
    return this.options.node();
  }

  types(): Iterable<string> {
    return new Set([...this.followed, ...this.caches.keys()]);
  }

  wanted(typeUrl: string): Wanted {
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

  versions(typeUrl: string): Record<string, string> {
    return this.cacheOf(typeUrl).versions();
  }

  received(response: UpstreamResponse): void {
    const { typeUrl, nonce, resources, removed } = response;
    this.responses.inc();
    const cache = this.cacheOf(typeUrl);
    const delivery: Delivery = {
      nonce,
      names: new Set([...resources.map(({ name }) => name), ...removed]),
      errors: [],
    };
    const list = this.deliveries.get(typeUrl);
    if (list === undefined) this.deliveries.set(typeUrl, [delivery]);
    else list.push(delivery);
    cache.apply(resources, removed);
    this.settled();
  }

  // The side of Envoy.

  cacheOf(typeUrl: string): ResourceCache {
    let cache = this.caches.get(typeUrl);
    if (cache === undefined) {
      if (this.caches.size >= typeLimit) throw agentErrors.tooManyCalls(`more than ${typeLimit} resource types`);
      cache = new ResourceCache(typeUrl);
      this.caches.set(typeUrl, cache);
      cache.subscribe((change) => this.cacheChanged(change));
    }
    return cache;
  }

  private cacheChanged(change: CacheChange): void {
    const { typeUrl } = change;
    const cache = this.cacheOf(typeUrl);
    this.cached.set({ type: shortName(typeUrl) }, cache.size);
    const errors = this.deliveries.get(typeUrl)?.at(-1)?.errors;
    if (change.refused > 0) {
      errors?.push(`the agent keeps at most ${resourceLimit} resources of a type; ${change.refused} were left out`);
    }
    const consumer = this.consumers.get(typeUrl);
    try {
      consumer?.(cache, change);
      if (consumer !== undefined) judge(cache, change.sent, true);
    } catch (error) {
      judge(cache, change.sent, false);
      this.options.log.warn("the agent could not use what the control plane sent", {
        type: shortName(typeUrl),
        error: describeError(error),
      });
      errors?.push(describeError(error));
    }
    for (const stream of this.streams) stream.changed(change);
    this.tell(typeUrl);
  }

  subscribed(typeUrl: string): void {
    this.syncUpstream(typeUrl);
  }

  decided(typeUrl: string, verdict: Verdict): void {
    for (const { name, message } of verdict.rejected) {
      this.rejections.inc({ type: shortName(typeUrl) });
      this.options.log.warn("Envoy rejected a resource", { type: shortName(typeUrl), name, error: message });
      for (const delivery of this.deliveries.get(typeUrl) ?? []) {
        if (delivery.names.has(name)) delivery.errors.push(`${name}: ${message}`);
      }
    }
    this.tell(typeUrl);
  }

  /** Answers the control plane for every response that Envoy has decided about whole. */
  settled(): void {
    for (const [typeUrl, list] of this.deliveries) {
      const open: Delivery[] = [];
      for (const delivery of list) {
        for (const name of delivery.names) {
          if (!this.awaits(typeUrl, name)) delivery.names.delete(name);
        }
        if (delivery.names.size > 0) open.push(delivery);
        else this.upstream?.answer(typeUrl, delivery.nonce, delivery.errors);
      }
      if (open.length === 0) this.deliveries.delete(typeUrl);
      else this.deliveries.set(typeUrl, open);
    }
  }

  private awaits(typeUrl: string, name: string): boolean {
    for (const stream of this.streams) if (stream.subscription(typeUrl)?.awaits(name) === true) return true;
    return false;
  }

  closed(stream: EnvoyStream): void {
    if (!this.streams.delete(stream)) return;
    this.envoyEnds.inc();
    for (const typeUrl of this.caches.keys()) {
      const names = stream.subscription(typeUrl)?.names;
      if (names === undefined || names.size === 0) continue;
      const kept = this.lingering.get(typeUrl) ?? new Set();
      for (const name of names) kept.add(name);
      this.lingering.set(typeUrl, kept);
    }
    this.settled();
  }

  private endLinger(): void {
    if (this.streams.size === 0) return; // nobody there to ask; the next stream starts the time again
    this.lingering.clear();
    for (const typeUrl of this.caches.keys()) this.syncUpstream(typeUrl);
  }

  private syncUpstream(typeUrl: string): void {
    const wanted = this.wanted(typeUrl);
    if (!wanted.wildcard) this.cacheOf(typeUrl).retain(wanted.names);
    this.upstream?.sync(typeUrl);
  }

  private tell(typeUrl: string): void {
    for (const listener of this.changeListeners) listener(typeUrl);
  }
}

function judge(cache: ResourceCache, names: readonly string[], accepted: boolean): void {
  for (const name of names) {
    const resource = cache.get(name);
    if (resource !== undefined) cache.judge(resource, accepted);
  }
}

/** `Cluster` for `type.googleapis.com/envoy.config.cluster.v3.Cluster`. */
function shortName(typeUrl: string): string {
  return typeUrl.slice(typeUrl.lastIndexOf(".") + 1);
}
