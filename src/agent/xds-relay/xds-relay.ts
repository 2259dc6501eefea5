// Between Envoy and the control plane: two independent delta streams with a cache in the middle, so that either end may go away.
import type { Node } from "../../../gen/envoy/config/core/v3/base_pb.ts";
import type { Cancel, Clock } from "../../kernel/clock.ts";
import { describeError } from "../../kernel/error.ts";
import type { Log } from "../../kernel/log.ts";
import type { Counter, Gauge, Metrics } from "../../kernel/metric.ts";
import { routePartsCapability } from "../../xds/capability.ts";
import { routeOfPart } from "../../xds/route-part-name.ts";
import { typeUrls } from "../../xds/type-url.ts";
import { agentErrors } from "../errors.ts";
import type { CallListener, GrpcCall } from "../grpc/server-call.ts";
import { AskedNames } from "./asked-names.ts";
import { Deliveries } from "./deliveries.ts";
import type { Verdict } from "./envoy-response.ts";
import { EnvoyStream, type EnvoyStreamHost } from "./envoy-stream.ts";
import { LingerTime } from "./linger-time.ts";
import { PartedRoutes } from "./parted-routes.ts";
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
  /** What the control plane can do beside Istio's; called before the first message, where at all. */
  announced(capabilities: ReadonlySet<string>): void;
  message(bytes: Uint8Array): void;
  closed(): void;
}

/** One Envoy, and a second one while it restarts. */
const streamLimit = 4;
/** Types that are cached; more than Envoy knows. */
const typeLimit = 64;
/**
 * While Envoy is away, clusters and listeners that it has not seen are not acknowledged, at most so long, milliseconds. It
 * is back in about a second; an Envoy that stays away must not keep the caches from being kept current. Less than the time
 * that a control plane holds listeners back for clusters, so that a mesh sent in parts is complete before they come.
 */
export const absenceMs = 10_000;
/** What Envoy always asks for. */
const envoyTypes: readonly string[] = [typeUrls.cluster, typeUrls.listener];

export class XdsRelay implements EnvoyStreamHost, UpstreamHost {
  private readonly options: XdsRelayOptions;
  private readonly caches = new Map<string, ResourceCache>();
  private readonly streams = new Set<EnvoyStream>();
  private readonly asked = new AskedNames(this.streams, envoyTypes);
  private readonly consumers = new Map<string, (cache: ResourceCache, change: CacheChange) => void>();
  private readonly deliveries = new Deliveries((typeUrl, nonce, errors) =>
    this.upstream?.answer(typeUrl, nonce, errors),
  );
  private readonly changeListeners = new Set<(typeUrl: string) => void>();
  private readonly parted: PartedRoutes;
  private upstream: Upstream | undefined;
  private readonly lingerTime: LingerTime;
  /** Set while Envoy is away and expected back. */
  private cancelAbsence: Cancel | undefined;
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
    this.parted = new PartedRoutes(
      {
        routes: () => this.cacheOf(typeUrls.route),
        asked: () => this.asked.of(typeUrls.route).names,
        wantedChanged: () => this.upstream?.sync(typeUrls.route),
      },
      options,
    );
    this.lingerTime = new LingerTime({
      clock: options.clock,
      mayPass: () => this.upstream !== undefined && this.envoyConfigured,
      end: () => this.endLinger(),
    });
    this.consumers.set(typeUrls.routePart, (cache, change) => this.parted.take(cache, change));
    this.expectEnvoy();
  }

  /** Follows a type for the agent itself; what `consumer` throws is answered as a rejection. Call before connecting. */
  follow(typeUrl: string, consumer: (cache: ResourceCache, change: CacheChange) => void): void {
    this.asked.follow(typeUrl);
    this.consumers.set(typeUrl, consumer);
  }

  /** Tells about types whose cache changed, or whose resources Envoy decided about. */
  onChange(listener: (typeUrl: string) => void): () => void {
    this.changeListeners.add(listener);
    return () => this.changeListeners.delete(listener);
  }

  /** Names from the disk: they are kept current until Envoy has had time to ask for what it needs. */
  restored(typeUrl: string): void {
    this.asked.linger(typeUrl, this.cacheOf(typeUrl).names());
    this.lingerTime.restart();
  }

  /** True once Envoy has taken clusters and listeners. */
  get envoyConfigured(): boolean {
    for (const stream of this.streams) {
      if (envoyTypes.every((typeUrl) => stream.subscription(typeUrl)?.taken === true)) return true;
    }
    return false;
  }

  /** Takes a delta ADS stream of Envoy. */
  acceptEnvoy(call: GrpcCall): CallListener {
    if (this.streams.size >= streamLimit) throw agentErrors.tooManyCalls("too many ADS streams on the agent's socket");
    const stream = new EnvoyStream(call, this, this.options.clock);
    this.streams.add(stream);
    this.lingerTime.restart();
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
    for (const cache of this.caches.values()) cache.returnToGood();
    this.parted.opened();
    const upstream = new Upstream(this, send);
    this.upstream = upstream;
    this.lingerTime.check();
    const announced = (capabilities: ReadonlySet<string>): void => {
      if (this.upstream !== upstream || this.parted.isKnown) return;
      const parts = this.cacheOf(typeUrls.routePart);
      this.parted.announced(capabilities.has(routePartsCapability), parts.size);
      for (const typeUrl of [typeUrls.routePart, typeUrls.route]) upstream.sync(typeUrl);
    };
    return {
      announced,
      message: (bytes) => {
        announced(noCapabilities); // who speaks without it has none
        if (this.upstream === upstream) upstream.message(bytes);
      },
      closed: () => {
        if (this.upstream !== upstream) return;
        this.upstream = undefined;
        this.lingerTime.check();
        this.parted.stop();
        this.deliveries.clear();
      },
    };
  }

  stop(): void {
    this.lingerTime.stop();
    this.cancelAbsence?.();
    this.parted.stop();
  }

  // The side of the control plane.

  node(): Node {
    return this.options.node();
  }

  types(): Iterable<string> {
    return new Set([...this.asked.wholeTypes, ...this.caches.keys()]);
  }

  wanted(typeUrl: string): Wanted {
    if (typeUrl === typeUrls.routePart) return { wildcard: this.parted.wantsParts, names: new Set() };
    const asked = this.asked.of(typeUrl);
    if (typeUrl !== typeUrls.route) return asked;
    return { ...asked, names: new Set([...asked.names].filter((name) => this.parted.wantsWhole(name))) };
  }

  versions(typeUrl: string): Record<string, string> {
    const versions = this.cacheOf(typeUrl).versions();
    if (typeUrl !== typeUrls.route) return versions;
    // A control plane takes what is held as asked for; what comes in parts is not to come whole, too.
    const { names } = this.wanted(typeUrl);
    return Object.fromEntries(Object.entries(versions).filter(([name]) => names.has(name)));
  }

  received(response: UpstreamResponse): void {
    const { typeUrl, resources, removed } = response;
    this.responses.inc();
    const cache = this.cacheOf(typeUrl);
    this.deliveries.add(response);
    // What came whole while parts took over may be older than they are; and what Envoy has ceased to ask for will be when it
    // asks again.
    const isOurs = (name: string): boolean =>
      (typeUrl === typeUrls.routePart || this.asked.has(typeUrl, name)) &&
      (typeUrl !== typeUrls.route || !this.parted.covers(name));
    cache.apply(
      resources.filter(({ name }) => isOurs(name)),
      removed.filter(isOurs),
    );
    if (typeUrl === typeUrls.routePart) this.parted.received([...resources.map(({ name }) => name), ...removed]);
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
    if (change.refused > 0) {
      const limit = `the agent keeps at most ${resourceLimit} resources of a type`;
      this.deliveries.fail(typeUrl, `${limit}; ${change.refused} were left out`);
    }
    const consumer = this.consumers.get(typeUrl);
    try {
      consumer?.(cache, change);
      if (consumer !== undefined) cache.judgeNewest(change.sent, true);
    } catch (error) {
      cache.judgeNewest(change.sent, false);
      this.options.log.warn("the agent could not use what the control plane sent", {
        type: shortName(typeUrl),
        error: describeError(error),
      });
      this.deliveries.fail(typeUrl, describeError(error));
    }
    for (const stream of this.streams) stream.changed(change);
    this.tell(typeUrl);
  }

  subscribed(typeUrl: string): void {
    this.syncUpstream(typeUrl);
  }

  decided(typeUrl: string, verdict: Verdict): void {
    if (envoyTypes.includes(typeUrl)) this.lingerTime.check();
    const cache = this.cacheOf(typeUrl);
    for (const refusal of verdict.rejected) {
      const { name, version, message } = refusal;
      this.rejections.inc({ type: shortName(typeUrl) });
      this.options.log.warn("Envoy rejected a resource", { type: shortName(typeUrl), name, error: message });
      // Routes that came in parts are refused as the head that they belong to.
      const cameAs = typeUrl === typeUrls.route && this.parted.covers(name) ? typeUrls.routePart : typeUrl;
      // Late: another Envoy took it, or it came before this stream to the control plane. Its author must learn it all the same.
      const late = !this.deliveries.refuse(cameAs, refusal) && cache.isRejected(name, version);
      if (late) this.upstream?.refuse(cameAs, refusal);
    }
    this.tell(typeUrl);
  }

  overdue(typeUrl: string, name: string, waitedMs: number): void {
    this.options.log.warn("sent to Envoy although it has not taken all clusters that are named there", {
      type: shortName(typeUrl),
      name,
      waitedMs,
    });
  }

  /** Answers the control plane for every response that Envoy has decided about whole. */
  settled(): void {
    this.deliveries.settle((typeUrl, name) => this.awaits(typeUrl, name));
  }

  private awaits(typeUrl: string, name: string): boolean {
    if (typeUrl === typeUrls.routePart) {
      // Parts of which more is to come wait for nothing: it comes when these are answered.
      const route = routeOfPart(name);
      return this.parted.covers(route) && this.awaits(typeUrls.route, route);
    }
    // That a cluster is gone nobody refuses, but it stays until nothing uses it: what comes next must not wait for that.
    if (typeUrl === typeUrls.cluster && !this.cacheOf(typeUrl).has(name)) return false;
    let asked = false;
    for (const stream of this.streams) {
      const subscription = stream.subscription(typeUrl);
      if (subscription?.awaits(name) === true) return true;
      asked ||= subscription !== undefined;
    }
    const expected = !asked && this.cancelAbsence !== undefined && envoyTypes.includes(typeUrl);
    return expected && this.cacheOf(typeUrl).isUntested(name);
  }

  private expectEnvoy(): void {
    this.cancelAbsence?.();
    this.cancelAbsence = this.options.clock.after(absenceMs, () => {
      this.cancelAbsence = undefined;
      this.settled();
    });
  }

  closed(stream: EnvoyStream): void {
    if (!this.streams.delete(stream)) return;
    this.envoyEnds.inc();
    if (this.streams.size === 0) this.expectEnvoy();
    for (const typeUrl of this.caches.keys()) {
      this.asked.linger(typeUrl, stream.subscription(typeUrl)?.names ?? []);
    }
    this.lingerTime.restart();
    this.settled();
  }

  private endLinger(): void {
    this.asked.endLinger();
    for (const typeUrl of this.caches.keys()) this.syncUpstream(typeUrl);
  }

  private syncUpstream(typeUrl: string): void {
    const asked = this.asked.of(typeUrl);
    // Parts are kept for the next control plane that has them.
    if (!asked.wildcard && typeUrl !== typeUrls.routePart) this.cacheOf(typeUrl).retain(asked.names);
    if (typeUrl === typeUrls.route) this.parted.askedChanged();
    this.upstream?.sync(typeUrl);
  }

  private tell(typeUrl: string): void {
    for (const listener of this.changeListeners) listener(typeUrl);
  }
}

const noCapabilities: ReadonlySet<string> = new Set();

/** `Cluster` for `type.googleapis.com/envoy.config.cluster.v3.Cluster`. */
function shortName(typeUrl: string): string {
  return typeUrl.slice(typeUrl.lastIndexOf(".") + 1);
}
