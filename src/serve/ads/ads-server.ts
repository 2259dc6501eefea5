// Serves resources over ADS, delta and state of the world. It knows nothing of meshes: a Generator says what each client
// may see, and everything else follows from differences.
import type { ServerHttp2Stream } from "node:http2";
import type { ProxyStatus } from "../../contract/proxy-status.ts";
import type { Cancel, Clock } from "../../kernel/clock.ts";
import type { Stoppable } from "../../kernel/lifecycle.ts";
import type { Log } from "../../kernel/log.ts";
import type { Metrics } from "../../kernel/metric.ts";
import type { Random } from "../../kernel/random.ts";
import { Slices } from "../../kernel/slices.ts";
import type { Generator } from "../../xds/generator.ts";
import { NamePool } from "../../xds/name-pool.ts";
import type { Resource } from "../../xds/resource.ts";
import { WholeAnswers } from "../../xds/whole-answers.ts";
import type { AdsCaches, AdsInspection } from "../debug/ads-inspection.ts";
import { ChangeLog } from "../debug/change-log.ts";
import { PushLog } from "../debug/push-log.ts";
import { serveErrors } from "../errors.ts";
import type { Peer } from "../peer.ts";
import type { AdsHooks } from "./ads-hooks.ts";
import { type AdsMetrics, createAdsMetrics } from "./ads-metrics.ts";
import { ChunkPool } from "./chunk-pool.ts";
import { Connection } from "./connection.ts";
import type { ConnectionContext } from "./connection-context.ts";
import type { ConnectionLook } from "./connection-look.ts";
import { type AdsLimits, adsLimits } from "./limits.ts";
import { PushQueue, writingLimit } from "./push-queue.ts";
import { RecentRequests } from "./recent-requests.ts";
import { RequestMemory } from "./request-memory.ts";
import { RequestQueue } from "./request-queue.ts";
import type { Variant } from "./response-parts.ts";
import { SessionPings } from "./session-pings.ts";
import { Settling } from "./settling.ts";
import { SharedSections } from "./shared-sections.ts";
import { StreamPlaces } from "./stream-places.ts";
import { TextTable } from "./text-table.ts";
import { UnfinishedRequests } from "./unfinished-requests.ts";

const service = "/envoy.service.discovery.v3.AggregatedDiscoveryService";

/** The methods of AggregatedDiscoveryService, by HTTP/2 path. */
const variants: ReadonlyMap<string, Variant> = new Map([
  [`${service}/DeltaAggregatedResources`, "delta"],
  [`${service}/StreamAggregatedResources`, "sotw"],
]);

/** Interval of the check for stalled and impatient streams, milliseconds. */
const tickMs = 1_000;

export interface AdsServerOptions extends AdsHooks {
  readonly generator: Generator;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Name of this control plane in statuses. */
  readonly controlPlane: string;
  /** For work that is not urgent; its own where the options name none. */
  readonly slices?: Slices;
  readonly limits?: Partial<AdsLimits>;
  /** What happens to the objects: explains pushes. */
  readonly changes?: ChangeLog;
  /** Told of work that was done without giving the event loop back. */
  readonly onWork?: (what: string, tookMs: number) => void;
}

export class AdsServer implements Stoppable {
  /** Finds dead connections; every listener hands in its HTTP/2 sessions. */
  readonly pings: SessionPings;
  /** What was sent lately, and why. */
  readonly pushes: PushLog;
  private readonly options: AdsServerOptions;
  private readonly limits: AdsLimits;
  private readonly metrics: AdsMetrics;
  private readonly context: ConnectionContext;
  private readonly open = new Set<Connection>();
  private readonly places: StreamPlaces;
  private readonly settling: Settling<Connection>;
  private readonly cancelTick: Cancel;
  private accepted = 0;
  private stopped = false;

  constructor(options: AdsServerOptions) {
    this.options = options;
    this.limits = { ...adsLimits, ...options.limits };
    this.metrics = createAdsMetrics(options.metrics, (typeName) => this.rejecting(typeName));
    this.places = new StreamPlaces(this.limits, (limit) => this.metrics.limitHits.inc({ limit }));
    const { clock, controlPlane, generator, log } = options;
    this.pings = new SessionPings(clock);
    this.settling = new Settling(clock);
    this.pushes = new PushLog(options.changes ?? new ChangeLog(clock));
    const sections = new SharedSections();
    const texts = new TextTable();
    const sharing = { names: new NamePool(), answers: new WholeAnswers() };
    const recentRequests = new RecentRequests();
    this.context = {
      generator,
      clock,
      log,
      controlPlane,
      sections,
      limits: this.limits,
      metrics: this.metrics,
      hooks: options,
      sharing,
      recentRequests,
      texts,
      chunks: new ChunkPool(this.limits.chunkBytes),
      slices: options.slices ?? new Slices(clock),
      pushes: this.pushes,
      requests: new RequestQueue(clock),
      requestMemory: new RequestMemory(),
      unfinished: new UnfinishedRequests(this.limits.unfinishedBytes, () =>
        this.metrics.limitHits.inc({ limit: "request_bytes" }),
      ),
      queue: new PushQueue(
        clock,
        (waitedMs) => this.metrics.queueSeconds.observe(waitedMs / 1000),
        (tookMs) => options.onWork?.("pushing", tookMs),
      ),
    };
    this.cancelTick = clock.every(tickMs, () => {
      sections.expire(clock.monotonic());
      texts.expire(clock.monotonic());
      sharing.answers.expire(clock.monotonic());
      recentRequests.expire(clock.monotonic());
      for (const connection of [...this.open]) connection.tick();
    });
  }

  /** Streams that are open. */
  get size(): number {
    return this.open.size;
  }

  /** Streams that get something under a name, and those that may still ask for the type. */
  *recipients(typeUrl: string, name: string): Iterable<{ connectionId: string; resource: Resource | undefined }> {
    for (const connection of this.open) {
      const wanted = connection.wanted(typeUrl, name);
      if (wanted !== undefined) yield { connectionId: connection.id, resource: wanted.resource };
    }
  }

  private rejecting(typeName: string): number {
    let count = 0;
    for (const connection of this.open) if (connection.rejects(typeName)) count += 1;
    return count;
  }

  /** What is known now of each stream that has said who it is, by connection id. */
  statuses(): Map<string, ProxyStatus> {
    const statuses = new Map<string, ProxyStatus>();
    for (const connection of this.open) {
      const status = connection.status();
      if (status !== undefined) statuses.set(connection.id, status);
    }
    return statuses;
  }

  /** Resolves true once every stream has answered all it was sent, false where that takes longer, milliseconds. */
  settled(withinMs: number): Promise<boolean> {
    return this.settling.wait(
      [...this.open].filter((connection) => !connection.settled),
      withinMs,
    );
  }

  /** Every stream that has said who it is, for the debug pages. */
  *looks(): Iterable<ConnectionLook> {
    for (const connection of this.open) {
      const look = connection.look();
      if (look !== undefined) yield look;
    }
  }

  /** What is kept to be used again, and how often it was. */
  get caches(): AdsCaches {
    const { recentRequests, sections, sharing, texts } = this.context;
    return {
      requests: recentRequests.counts,
      answers: sharing.answers.counts,
      sections: sections.counts,
      names: sharing.names.counts,
      texts: texts.counts,
    };
  }

  /** Waiting lines and caches, with their limits. */
  inspect(): AdsInspection {
    const { queue, requests, unfinished } = this.context;
    return {
      requests: { waiting: requests.waiting },
      requestBytes: requests.counts,
      push: { ...queue.counts, writingLimit },
      streams: {
        ...this.places.counts,
        admittedLimit: this.limits.streams,
        waitingLimit: this.limits.waitingStreams,
      },
      unfinishedBytes: { held: unfinished.heldBytes, limit: this.limits.unfinishedBytes },
      caches: this.caches,
    };
  }

  /** The variant of ADS that a path names; undefined for other paths. */
  variantOf(path: string): Variant | undefined {
    return variants.get(path);
  }

  /**
   * Serves one HTTP/2 stream whose path `variantOf` knows and that nothing was sent on yet.
   *
   * @param options.address IP address of the connection's other end
   * @param options.onSettled called when everything asked for so far has been acknowledged, perhaps several times
   */
  accept(
    stream: ServerHttp2Stream,
    options: { variant: Variant; peer: Peer; address: string; onSettled?: () => void },
  ): void {
    this.accepted += 1;
    // Unlike any id of an earlier process: clients may come back with what an earlier stream said.
    const suffix = Buffer.from(this.options.random.bytes(6)).toString("base64url");
    const { variant, peer, address } = options;
    const id = `${this.options.controlPlane}-${this.accepted}-${suffix}`;
    const connection: Connection = new Connection(stream, {
      id,
      variant,
      peer,
      address,
      context: this.context,
      events: {
        settled: () => {
          this.settling.settled(connection);
          options.onSettled?.();
        },
        proven: (proven) => this.places.admit(connection, proven),
        closed: () => {
          this.places.leave(connection);
          this.open.delete(connection);
          this.settling.settled(connection);
        },
      },
    });
    if (this.stopped) connection.fail(serveErrors.shuttingDown("the control plane is stopping"));
    else {
      this.open.add(connection);
      this.places.arrive(connection);
    }
  }

  /** Tells every client to come back later. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.cancelTick();
    this.pings.stop();
    for (const connection of [...this.open]) {
      connection.fail(serveErrors.shuttingDown("the control plane is stopping"));
    }
  }
}
