// A whole control plane in memory, from objects and registration to bytes on streams, and proxies that follow it. What must
// hold at every message is checked there.
import assert from "node:assert/strict";
import type { Collection } from "../../src/collection/collection.ts";
import type { Graph } from "../../src/collection/graph.ts";
import { Join } from "../../src/collection/join.ts";
import type { Config } from "../../src/config/object.ts";
import type { WorkloadGroup } from "../../src/config/workload-group/workload-group.ts";
import { workloadSpiffeId } from "../../src/identity/spiffe-id.ts";
import { parseTrustDomain } from "../../src/identity/trust-domain.ts";
import { FakeClock } from "../../src/kernel/clock.fake.ts";
import { fakeLog } from "../../src/kernel/log.fake.ts";
import { Metrics } from "../../src/kernel/metric.ts";
import { Slices } from "../../src/kernel/slices.ts";
import { configsOfKind } from "../../src/model/config-of-kind.ts";
import { defaultMeshSettings } from "../../src/model/mesh-settings.ts";
import { AdsServer } from "../../src/serve/ads/ads-server.ts";
import { ChangeLog } from "../../src/serve/debug/change-log.ts";
import { withMachineConfig } from "../../src/serve/machine/machine-config-layer.ts";
import { Quarantine } from "../../src/serve/quarantine/quarantine.ts";
import { quarantineMetrics } from "../../src/serve/quarantine/quarantine-metrics.ts";
import { Registration } from "../../src/sources/registration/registration.ts";
import { MeshRig, type RigProxy } from "../../src/translate/mesh-rig.fake.ts";
import type { ClientView, Generator } from "../../src/xds/generator.ts";
import { typeUrls } from "../../src/xds/type-url.ts";
import { FakeProxy, type Held, type ProxyPlan, printOf, referencesIn } from "./fake-proxy.ts";
import { referencesOf } from "./references.ts";
import { StreamPair } from "./stream-pair.ts";
import { Timeline } from "./timeline.ts";

const { cluster, listener, route, routePart } = typeUrls;
export const servedTypes = [
  typeUrls.machine,
  cluster,
  typeUrls.endpoint,
  listener,
  route,
  routePart,
  typeUrls.nameTable,
] as const;

const trustDomain = parseTrustDomain("cluster.local");
const machineMesh = {
  trustDomain: "cluster.local",
  rootNamespace: "istio-system",
  domainSuffix: "cluster.local",
  meshId: "cluster.local",
  clusterId: "Kubernetes",
  captureDns: true,
  proxyListenPort: 15001,
  proxyInboundListenPort: 15006,
};
/** Small, so that messages are split and written in pieces; a stream is never given up. */
const limits = { responseBytes: 3_000, chunkBytes: 1_500, firstRequestMs: 1e9, writeStallMs: 1e9 };
/** Longer than any history: what waits for other types of a stream waits for ever. */
export const endlessHoldMs = 1e9;
/** The server looks at what it holds back about once a second. */
const tickMs = 1_000;

export function layerMachines(generator: Generator, configs: Collection<Config>): Generator {
  const groups = configsOfKind<WorkloadGroup>(configs, "WorkloadGroup");
  return withMachineConfig(generator, { groups, mesh: () => machineMesh });
}

/** One proxy of the history, with the streams that it has had. */
export class Slot {
  readonly proxy: FakeProxy;
  pair: StreamPair | undefined;
  /** What the id of the pair's connection begins with. */
  stream: string | undefined;
  /** Streams that are cut, of which the server knows nothing yet. */
  readonly lost: StreamPair[] = [];
  /** What the server shows on the stream; undefined until it has heard the first request. */
  view: ClientView | undefined;
  readonly timeline = new Timeline();
  /** `type name print cluster` of what was meant to be without the cluster at some time. */
  private readonly excused = new Set<string>();
  /** Clusters whose removal waited for what uses them, and waits no more. */
  private readonly letGo = new Set<string>();
  /** The view became different since `excuse`. */
  private stale = true;

  constructor(node: RigProxy, plan: ProxyPlan) {
    this.proxy = new FakeProxy(node, plan, {
      heard: (typeUrl, name, print) => this.timeline.heard(typeUrl, name, print),
      took: () => this.checkReferences(),
    });
  }

  follow(view: ClientView): void {
    this.view = view;
    this.stale = true;
    for (const typeUrl of servedTypes) {
      const set = view.resources(typeUrl);
      this.timeline.reset(typeUrl, [...set.values()]);
      set.subscribe((changes) => {
        if (this.view !== view) return;
        this.stale = true;
        for (const { key, after } of changes) this.timeline.changed(typeUrl, key, after);
      });
    }
  }

  /** Remembers what the mesh itself lets point to nothing: a rule may name a destination that is not there. */
  excuse(): void {
    if (!this.stale || this.view === undefined) return;
    this.stale = false;
    const clusters = this.view.resources(cluster);
    for (const typeUrl of [listener, route, routePart]) {
      for (const { name, body } of this.view.resources(typeUrl).values()) {
        const print = this.timeline.printOf(body);
        for (const needed of referencesOf(typeUrl, body, print).clusters) {
          const there = clusters.get(needed);
          if (there === undefined || there.withheld === true) this.excused.add(`${typeUrl} ${name} ${print} ${needed}`);
        }
      }
    }
  }

  /**
   * What was held back for long enough goes as it is: it may name clusters that are still to come, and clusters that are gone
   * go although something names them.
   */
  excuseLate(typeUrl: string): void {
    const { view, proxy } = this;
    if (view === undefined) return;
    if (typeUrl === cluster) {
      const there = view.resources(cluster);
      for (const name of proxy.activeClusters) if (there.get(name) === undefined) this.letGo.add(name);
    }
    if (typeUrl !== listener && typeUrl !== route && typeUrl !== routePart) return;
    for (const { name, body } of view.resources(typeUrl).values()) {
      const print = this.timeline.printOf(body);
      for (const needed of referencesOf(typeUrl, body, print).clusters) {
        this.excused.add(`${typeUrl} ${name} ${print} ${needed}`);
      }
    }
  }

  private checkReferences(): void {
    const { proxy } = this;
    const inUse: (readonly [string, ReadonlyMap<string, Held>])[] = [
      [listener, proxy.activeListeners],
      [route, proxy.heldOf(route)],
      ...[...proxy.wholeRoutes.values()].map((parts) => [routePart, parts] as const),
    ];
    for (const [typeUrl, used] of inUse) {
      for (const [name, held] of used) {
        for (const needed of referencesIn(typeUrl, held).clusters) {
          if (proxy.activeClusters.has(needed) || proxy.missable.has(needed) || this.letGo.has(needed)) continue;
          const excuse = `${typeUrl} ${name} ${held.print} ${needed}`;
          const state = proxy.heldOf(cluster).has(needed) ? "is there without endpoints" : "is not there";
          assert.ok(this.excused.has(excuse), `${proxy.node.name}: ${typeUrl} ${name} names ${needed}, which ${state}`);
        }
      }
    }
  }
}

/** No history takes more to come to rest. */
const roundLimit = 5_000;
const controlPlane = "cp-1";

export class ServedMesh {
  readonly rig: MeshRig;
  readonly clock = new FakeClock();
  readonly ads: AdsServer;
  readonly slots: readonly Slot[];
  private readonly log = fakeLog();
  private readonly quarantine: Quarantine | undefined;
  private registration: Registration | undefined;
  private readonly holdMs: number;
  private readonly slices: Slices;
  private accepted = 0;

  /**
   * @param options.quarantines what proxies reject is kept from others of their Envoy version, as in the control plane
   * @param options.holdMs longest that one type of a stream waits for others
   * @param options.responseBytes longest message: short ones are split, in long ones all that is wanted comes at once
   */
  constructor(
    proxies: readonly { node: RigProxy; plan: ProxyPlan }[],
    {
      quarantines = false,
      holdMs = endlessHoldMs,
      responseBytes = limits.responseBytes,
    }: { quarantines?: boolean; holdMs?: number | undefined; responseBytes?: number | undefined } = {},
  ) {
    const { clock } = this;
    this.holdMs = holdMs;
    const { log } = this.log;
    const metrics = new Metrics();
    const changes = new ChangeLog(clock);
    const slices = new Slices(clock);
    this.slices = slices;
    let quarantine: Quarantine | undefined;
    const makeQuarantine = (graph: Graph, objects: Collection<Config>): Quarantine => {
      changes.watch(objects);
      const recipients = (typeUrl: string, name: string) => this.ads.recipients(typeUrl, name);
      const made = quarantineMetrics(metrics);
      const source = "Kubernetes";
      const machineOf = (id: string) => this.registration?.machineOf(id);
      const of = { graph, objects, source, changes, recipients, machineOf };
      quarantine = new Quarantine({ ...of, clock, log, metrics: made });
      return quarantine;
    };
    const withMachines = (written: Collection<Config>, graph: Graph): Collection<Config> => {
      const groups = configsOfKind<WorkloadGroup>(written, "WorkloadGroup");
      const registration = new Registration({
        graph,
        groups,
        source: "Kubernetes",
        controller: controlPlane,
        clock,
        log,
      });
      this.registration = registration;
      return new Join<Config>("objects", [written, registration.entries as Collection<Config>]);
    };
    // Scopes are layers, and what they are compared with is not.
    const pace = { clock, slices, alone: 0 };
    this.rig = new MeshRig(defaultMeshSettings, quarantines ? makeQuarantine : undefined, withMachines, pace);
    this.quarantine = quarantine;
    this.slots = proxies.map(({ node, plan }) => new Slot(node, plan));
    const generator = layerMachines(this.rig.generator, this.rig.configs);
    let streams = 0;
    this.ads = new AdsServer({
      generator: {
        open: (client, connectionId) => {
          const view = generator.open(client, connectionId);
          const slot = this.slotOf(connectionId);
          if (slot === undefined) return view; // it was cut before its first request was taken
          const { name, namespace } = slot.proxy.node;
          assert.equal(client.node.name, `${name}.${namespace}`);
          slot.follow(view);
          return view;
        },
      },
      clock,
      slices,
      changes,
      random: { bytes: (length: number) => new Uint8Array(length).fill(++streams), fraction: () => 0.5 },
      log,
      metrics,
      controlPlane,
      limits: { ...limits, holdMs, responseBytes },
      onConnect: (client, connectionId, origin) => {
        const { identities, node } = client;
        this.registration?.connected({ connectionId, identities, node, ...origin });
        quarantine?.connected(client, connectionId, origin);
      },
      onDisconnect: (connectionId) => {
        quarantine?.disconnected(connectionId);
        this.registration?.disconnected(connectionId);
      },
      onOpen: (opening) => quarantine?.opened(opening),
      onAck: (acknowledgement) => quarantine?.acknowledged(acknowledgement),
      onNack: (rejection) => quarantine?.rejected(rejection),
    });
  }

  /** The slot whose stream it is now: the server may know streams that are lost. */
  private slotOf(connectionId: string): Slot | undefined {
    return this.slots.find(({ stream }) => stream !== undefined && connectionId.startsWith(stream));
  }

  /** Nothing that the server does in turns of its own is left to do. */
  private get isQuiet(): boolean {
    const { requests, push } = this.ads.inspect();
    return this.slices.size + requests.waiting + push.waiting === 0;
  }

  /** Lets what the server does in turns of its own happen. */
  async turn(): Promise<void> {
    this.noteMesh(); // what is held back for too long by now is sent in this turn
    await new Promise((resolve) => setImmediate(resolve));
    this.noteMesh();
  }

  /** After whatever may have changed the mesh. */
  noteMesh(): void {
    for (const slot of this.slots) slot.excuse();
    if (this.holdMs !== endlessHoldMs) this.noteHolds();
  }

  private noteHolds(): void {
    const nowMs = this.clock.monotonic();
    for (const { id, types } of this.ads.looks()) {
      const slot = this.slotOf(id);
      for (const { typeUrl, heldSinceMs } of types) {
        if (heldSinceMs !== undefined && nowMs - heldSinceMs >= this.holdMs) slot?.excuseLate(typeUrl);
      }
    }
  }

  /**
   * No word of the proxies reaches the server, for longer than anything is held back. Then nothing waits for another type any
   * more: of each, all is sent, or as much as may be before an answer. Only what a proxy goes on to use, because it refused
   * the next version, is not taken from it.
   */
  async silence(): Promise<void> {
    // What is sent late may be what the next type waited for.
    for (let round = 0; round < 3; round++) {
      await this.clock.advance(this.holdMs + tickMs);
      for (let rounds = 0, isOver = false; !isOver; rounds++) {
        assert.ok(rounds < roundLimit, "it never comes to rest");
        await this.turn();
        const waiting = this.slots.filter(({ pair }) => (pair?.waiting.toClient ?? 0) > 0);
        isOver = waiting.length === 0 && this.isQuiet;
        for (const { pair } of waiting) pair?.deliverToClient();
      }
    }
    for (const { id, types, waitingBytes, client } of this.ads.looks()) {
      // Of a stream that is cut and not noticed nothing is taken any more.
      if (waitingBytes > 0 || this.slotOf(id) === undefined) continue;
      const isRefusing = types.some(({ subscription }) => subscription.refusing);
      for (const { typeUrl, subscription, frozen } of types) {
        const { present, removed } = subscription.pending();
        const what = `${client.node.name} ${typeUrl}`;
        assert.equal(frozen, undefined, `${what} waits for load assignments`);
        if (subscription.inFlight) continue;
        assert.ok(!present, `${what} waits to be sent`);
        assert.ok(!removed || isRefusing, `${what} waits to be taken away`);
      }
    }
  }

  connect(slot: Slot): void {
    if (slot.pair !== undefined) return;
    const { proxy } = slot;
    const pair = new StreamPair((bytes) => proxy.receive(bytes));
    slot.pair = pair;
    this.accepted += 1;
    slot.stream = `${controlPlane}-${this.accepted}-`;
    const { namespace, serviceAccount = "default", ip } = proxy.node;
    this.ads.accept(pair.serverStream, {
      variant: proxy.plan.variant,
      peer: {
        kind: "verified",
        identities: [workloadSpiffeId(trustDomain, namespace, serviceAccount)],
        expiresAtMs: Number.MAX_SAFE_INTEGER,
        serialNumber: proxy.node.name,
      },
      address: ip,
    });
    proxy.connect((bytes) => pair.send(bytes));
  }

  /** @param notices the server learns of it at once */
  cut(slot: Slot, notices: boolean): void {
    const { pair } = slot;
    if (pair === undefined) return;
    slot.pair = undefined;
    slot.stream = undefined;
    slot.view = undefined;
    pair.cut();
    slot.proxy.disconnect();
    if (notices) pair.serverNotices();
    else slot.lost.push(pair);
  }

  /** The server learns of every stream that it has lost. */
  notice(): void {
    for (const { lost } of this.slots) for (const pair of lost.splice(0)) pair.serverNotices();
  }

  /** What may be delivered now, each as a function that does it. */
  deliveries(): (() => void)[] {
    return this.slots.flatMap((slot) => {
      const { pair } = slot;
      if (pair === undefined) return [];
      const { toServer, toClient } = pair.waiting;
      return [
        ...(toServer > 0 ? [() => pair.deliverToServer()] : []),
        ...(toClient > 0 ? [() => pair.deliverToClient()] : []),
      ];
    });
  }

  /** Streams that the server ended: a machine that it will not register. Returns how many. */
  takeRefused(): number {
    let refused = 0;
    for (const slot of this.slots) {
      const ended = slot.pair?.ended;
      if (ended === undefined) continue;
      assert.match(String(ended["grpc-message"]), /LAT44/, "the server ended a stream");
      this.cut(slot, true);
      refused += 1;
    }
    return refused;
  }

  /** Delivers whatever there is until nothing more comes. */
  async drain(): Promise<void> {
    for (let rounds = 0, isOver = false; !isOver; rounds++) {
      assert.ok(rounds < roundLimit, "it never comes to rest");
      await this.turn();
      const waiting = this.deliveries();
      for (const deliver of waiting) {
        deliver();
        this.noteMesh();
      }
      const isAtRest = this.takeRefused() === 0 && waiting.length === 0 && this.isQuiet;
      isOver = isAtRest && !this.slots.some(({ proxy }) => proxy.waitOut());
    }
  }

  /** How many contents something else stands for now. */
  get keptAside(): number {
    return this.quarantine?.substitutions.size ?? 0;
  }

  /** Errors that were logged: nothing of what a proxy does may be one. */
  errors(): unknown[] {
    return this.log.lines.filter(({ level }) => level === "error");
  }

  async stop(): Promise<void> {
    this.notice();
    for (const slot of this.slots) this.cut(slot, true);
    await this.registration?.stop();
    await this.quarantine?.stop();
    await this.ads.stop();
  }
}

export { printOf };
