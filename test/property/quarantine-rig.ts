// A fleet in memory, for histories of rejections: resources of two scopes that a test writes, the overlays and the
// quarantine of the control plane, and proxies that reject what holds a text.
import { create } from "@bufbuild/protobuf";
import { VirtualHostSchema } from "../../gen/envoy/config/route/v3/route_components_pb.ts";
import { Graph } from "../../src/collection/graph.ts";
import { Source } from "../../src/collection/source.ts";
import type { Config } from "../../src/config/object.ts";
import { FakeClock } from "../../src/kernel/clock.fake.ts";
import { contentHash } from "../../src/kernel/hash.ts";
import { fakeLog } from "../../src/kernel/log.fake.ts";
import { Metrics } from "../../src/kernel/metric.ts";
import { ChangeLog } from "../../src/serve/debug/change-log.ts";
import { Quarantine } from "../../src/serve/quarantine/quarantine.ts";
import { quarantineMetrics } from "../../src/serve/quarantine/quarantine-metrics.ts";
import { ComposedResource } from "../../src/translate/composed-resource.ts";
import {
  composeRouteConfiguration,
  encodeRouteConfigurationHead,
  encodeVirtualHost,
  type VirtualHostFragment,
} from "../../src/translate/rds/route-configuration.ts";
import { type ResourceSets, ServedHalf } from "../../src/translate/served-half.ts";
import { ViewSet } from "../../src/translate/view-set.ts";
import { NamePool } from "../../src/xds/name-pool.ts";
import type { NodeInfo } from "../../src/xds/node-info.ts";
import type { Resource, ResourceFragment } from "../../src/xds/resource.ts";
import { routeConfigurationVersion } from "../../src/xds/route-version.ts";
import type { Sharing } from "../../src/xds/sharing.ts";
import { Subscription } from "../../src/xds/subscription.ts";
import type { Batch } from "../../src/xds/subscription-request.ts";
import { typeUrls } from "../../src/xds/type-url.ts";
import { WholeAnswers } from "../../src/xds/whole-answers.ts";

export const routeName = "80";
const types = [typeUrls.cluster, typeUrls.route] as const;

/** What makes a proxy reject: the marker of its Envoy version, in any text. */
export const markers: Readonly<Record<string, string>> = { "1.39.0": "old-dislikes", "1.40.0": "new-dislikes" };

/** One object of a scope: a cluster of its name, and a virtual host. */
interface Content {
  readonly cluster: string;
  readonly host: string;
}

class FleetScope {
  readonly clusters: Source<Resource>;
  readonly routes: Source<Resource>;
  private readonly others: Source<Resource>;
  private readonly contents = new Map<string, Content>();
  private readonly fragments = new Map<string, VirtualHostFragment>();

  constructor(graph: Graph) {
    const equals = (a: Resource, b: Resource): boolean => a.version === b.version;
    this.clusters = new Source<Resource>(graph, "clusters", equals);
    this.routes = new Source<Resource>(graph, "routes", equals);
    this.others = new Source<Resource>(graph, "other-clusters", equals);
    this.compose();
  }

  get sets(): ResourceSets {
    return new Map([
      // Of two collections, as the mesh has them.
      [typeUrls.cluster, [this.clusters, this.others]],
      [typeUrls.route, [this.routes]],
    ]);
  }

  set(name: string, content: Content | undefined): void {
    const sources = [{ kind: "ServiceEntry", namespace: "shop", name }];
    if (content === undefined) {
      this.contents.delete(name);
      this.clusters.delete(name);
      this.fragments.delete(name);
    } else {
      if (this.contents.get(name)?.cluster !== content.cluster) {
        const body = Buffer.from(`${name} ${content.cluster}`);
        this.clusters.set(name, { typeUrl: typeUrls.cluster, name, version: contentHash(body), body, sources });
      }
      if (this.contents.get(name)?.host !== content.host) {
        const host = create(VirtualHostSchema, { name, domains: [name] });
        host.requestHeadersToRemove = [content.host];
        this.fragments.set(name, encodeVirtualHost(host, name, sources));
      }
      this.contents.set(name, content);
    }
    this.compose();
  }

  private compose(): void {
    const fragments = [...this.fragments.values()].sort((a, b) => (a.position < b.position ? -1 : 1));
    const head = encodeRouteConfigurationHead(routeName);
    const version = routeConfigurationVersion(
      head,
      fragments.map((fragment) => fragment.version),
    );
    const compose = (): Uint8Array => composeRouteConfiguration(head, fragments);
    this.routes.set(
      routeName,
      new ComposedResource({ typeUrl: typeUrls.route, name: routeName, version, compose }, fragments),
    );
  }
}

export interface FleetProxyOptions {
  readonly scope: number;
  readonly envoyVersion: string;
  readonly certificate: string;
  /** SPIFFE id; without, each certificate is of an account of its own. */
  readonly account?: string;
  /** Key of its entry, where it is registered. */
  readonly machine?: string;
  /** honest: judges by the marker; refuser: rejects everything; mute: acknowledges nothing. */
  readonly nature: "honest" | "refuser";
  /** Says in a rejection what it does not like. */
  readonly explains: boolean;
}

export class FleetProxy {
  readonly options: FleetProxyOptions;
  readonly id: string;
  /** By type, then name. */
  readonly held = new Map<string, Map<string, Resource>>();
  /** How often each bad content arrived: resource or fragment versions. */
  readonly badSeen: string[] = [];
  readonly sets = new Map<string, ViewSet>();
  readonly subscriptions = new Map<string, Subscription>();
  readonly inbox: { typeUrl: string; nonce: string; batch: Batch }[] = [];

  constructor(id: string, options: FleetProxyOptions) {
    this.id = id;
    this.options = options;
    for (const type of types) this.held.set(type, new Map());
  }

  dislikes(resource: { readonly body: Uint8Array }): boolean {
    if (this.options.nature === "refuser") return true;
    return Buffer.from(resource.body).includes(markers[this.options.envoyVersion] ?? "\0");
  }

  /** Parts of a message that it does not like: whole resources, or parts of composed ones. */
  bad(batch: Batch): (Resource | ResourceFragment)[] {
    return batch.resources
      .filter((resource) => this.dislikes(resource))
      .flatMap((resource) => {
        const parts = (resource.fragments ?? []).filter((part) => this.dislikes(part));
        return resource.fragments === undefined || parts.length === 0 ? [resource] : parts;
      });
  }
}

export class Fleet {
  readonly graph = new Graph();
  readonly clock = new FakeClock();
  readonly scopes: readonly FleetScope[];
  readonly quarantine: Quarantine;
  readonly objects: Source<Config>;
  readonly proxies: FleetProxy[] = [];
  /** By stream. */
  private readonly machines = new Map<string, string>();
  private readonly halves = new Map<string, { half: ServedHalf; users: number }>();
  /** As the server's streams do. */
  private readonly sharing: Sharing = { names: new NamePool(), answers: new WholeAnswers() };
  private nonces = 0;
  private ids = 0;

  constructor() {
    this.objects = new Source<Config>(this.graph, "objects");
    this.scopes = [new FleetScope(this.graph), new FleetScope(this.graph)];
    this.quarantine = new Quarantine({
      ...{ graph: this.graph, objects: this.objects, source: "Kubernetes", clock: this.clock },
      ...{ changes: new ChangeLog(this.clock), log: fakeLog().log, metrics: quarantineMetrics(new Metrics()) },
      recipients: (typeUrl, name) => this.recipients(typeUrl, name),
      machineOf: (connectionId) => this.machines.get(connectionId),
    });
  }

  /** @param where 0 and 1: in one scope; 2: in both */
  set(where: number, name: string, content: Content | undefined): void {
    this.graph.batch(() => {
      for (const [at, scope] of this.scopes.entries()) if (where === 2 || where === at) scope.set(name, content);
    });
  }

  /** @param before what the same machine held on an earlier stream */
  connect(options: FleetProxyOptions, before?: FleetProxy): FleetProxy {
    const proxy = new FleetProxy(`stream-${++this.ids}`, options);
    const { envoyVersion, scope, certificate } = options;
    const node = { envoyVersion, name: `${proxy.id}.shop` } as NodeInfo;
    const { account = certificate, machine } = options;
    if (machine !== undefined) this.machines.set(proxy.id, machine);
    this.quarantine.connected({ node, identities: [account] }, proxy.id, { address: "198.18.0.1", certificate });
    const half = this.take(scope, envoyVersion);
    this.proxies.push(proxy);
    for (const type of types) {
      const set = new ViewSet(half.sets.get(type) ?? []);
      const subscription = new Subscription(type, set, { sharing: this.sharing });
      proxy.sets.set(type, set);
      proxy.subscriptions.set(type, subscription);
      const held = before?.held.get(type) ?? new Map<string, Resource>();
      for (const [name, resource] of held) proxy.held.get(type)?.set(name, resource);
      const initialVersions = new Map([...held].map(([name, { version }]) => [name, version]));
      this.quarantine.opened({ connectionId: proxy.id, typeUrl: type, resources: set, held: initialVersions });
      const subscribe = type === typeUrls.route ? [routeName] : [];
      subscription.receive({ subscribe, unsubscribe: [], initialVersions, nonce: "", rejection: undefined });
      const known = [...held.values()].filter(({ name, version }) => set.get(name)?.version === version);
      const resources = known.flatMap(({ name }) => set.get(name) ?? []);
      this.quarantine.acknowledged({ connectionId: proxy.id, typeUrl: type, resources });
      set.subscribe((changes) => subscription.change(changes));
    }
    return proxy;
  }

  disconnect(proxy: FleetProxy): void {
    const at = this.proxies.indexOf(proxy);
    if (at < 0) return;
    this.proxies.splice(at, 1);
    for (const set of proxy.sets.values()) set.detach();
    this.quarantine.disconnected(proxy.id);
    const key = `${proxy.options.scope} ${proxy.options.envoyVersion}`;
    const shared = this.halves.get(key);
    if (shared === undefined) return;
    shared.users -= 1;
    if (shared.users > 0) return;
    this.halves.delete(key);
    shared.half.dispose();
  }

  /** Sends the next message of one type. */
  push(proxy: FleetProxy, typeUrl: string): boolean {
    const nonce = String(++this.nonces);
    const batch = proxy.subscriptions.get(typeUrl)?.take({ nonce, limitBytes: 1 << 20, part: "all" });
    if (batch === undefined) return false;
    proxy.inbox.push({ typeUrl, nonce, batch });
    return true;
  }

  /** The proxy answers one message. */
  answer(proxy: FleetProxy, at = 0): boolean {
    const [message] = proxy.inbox.splice(at % Math.max(1, proxy.inbox.length), 1);
    if (message === undefined) return false;
    const { typeUrl, nonce, batch } = message;
    const bad = proxy.bad(batch);
    for (const { name, version } of bad)
      if (proxy.options.nature === "honest") proxy.badSeen.push(`${name} ${version}`);
    const held = proxy.held.get(typeUrl);
    let rejection: string | undefined;
    if (bad.length > 0) {
      const whole = [...new Set(batch.resources.filter((each) => proxy.dislikes(each)).map(({ name }) => name))];
      rejection = proxy.options.explains
        ? `${whole.join(", ")}: bad ${bad.map(({ name }) => `'${name}'`).join()}`
        : "bad";
    } else {
      for (const resource of batch.resources) held?.set(resource.name, resource);
      for (const name of batch.removed) held?.delete(name);
    }
    const subscription = proxy.subscriptions.get(typeUrl);
    const request = { subscribe: [], unsubscribe: [], initialVersions: new Map<string, string>(), nonce, rejection };
    const reply = subscription?.receive(request);
    const connectionId = proxy.id;
    if (reply?.kind === "ack") {
      this.quarantine.acknowledged({ connectionId, typeUrl, resources: reply.batch.resources });
    } else if (reply?.kind === "nack" && reply.refused.length > 0) {
      const client = { node: {} as NodeInfo, identities: [] };
      this.quarantine.rejected({ client, connectionId, typeUrl, message: reply.message, resources: reply.refused });
    }
    return true;
  }

  /** Delivers until nothing moves; returns how many rounds it took. */
  settle(limit = 2_000): number {
    for (let round = 0; round < limit; round++) {
      let moved = false;
      for (const proxy of [...this.proxies]) {
        for (const type of types) if (this.push(proxy, type)) moved = true;
        if (this.answer(proxy)) moved = true;
      }
      if (!moved) return round;
    }
    return Number.POSITIVE_INFINITY;
  }

  private *recipients(typeUrl: string, name: string) {
    for (const proxy of this.proxies) {
      const set = proxy.sets.get(typeUrl);
      if (set === undefined) yield { connectionId: proxy.id, resource: undefined };
      else {
        const resource = set.get(name);
        if (resource !== undefined) yield { connectionId: proxy.id, resource };
      }
    }
  }

  private take(scope: number, envoyVersion: string): ServedHalf {
    const key = `${scope} ${envoyVersion}`;
    let shared = this.halves.get(key);
    if (shared === undefined) {
      const sets = this.scopes[scope]?.sets ?? new Map();
      const half = new ServedHalf(sets, { key: String(scope), envoyVersion, quarantine: this.quarantine });
      shared = { half, users: 0 };
      this.halves.set(key, shared);
    }
    shared.users += 1;
    return shared.half;
  }
}
