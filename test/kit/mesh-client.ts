// Subscribes as Envoy does, acknowledges everything, and keeps what it was sent: a proxy without the proxy.
import { fromBinary } from "@bufbuild/protobuf";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { Cluster_DiscoveryType, ClusterSchema } from "../../gen/envoy/config/cluster/v3/cluster_pb.ts";
import { type Listener, ListenerSchema } from "../../gen/envoy/config/listener/v3/listener_pb.ts";
import { HttpConnectionManagerSchema } from "../../gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts";
import type { DeltaDiscoveryResponse } from "../../gen/envoy/service/discovery/v3/discovery_pb.ts";
import { AdsClient, type NodeOptions } from "../../src/serve/ads/ads-client.fake.ts";
import { type TypeName, typeUrls } from "../../src/xds/type-url.ts";

/** The types a proxy subscribes to, in Envoy's order. */
const types = ["cluster", "endpoint", "listener", "route"] as const satisfies readonly TypeName[];
type ProxyType = (typeof types)[number];

interface Held {
  version: string;
  value: Uint8Array;
}

/** What one connection brought. */
export interface Traffic {
  readonly responses: { type: ProxyType; names: readonly string[]; removed: readonly string[] }[];
  bytes: number;
}

/** A watchdog: longest wait for a condition, milliseconds. */
const untilMs = 120_000;

export class MeshClient {
  /** By type and name; stays over reconnects. */
  readonly held: Readonly<Record<ProxyType, Map<string, Held>>> = {
    cluster: new Map(),
    endpoint: new Map(),
    listener: new Map(),
    route: new Map(),
  };
  /** Of the present connection. */
  traffic: Traffic = { responses: [], bytes: 0 };
  private client: AdsClient | undefined;
  private readonly answered = new Set<ProxyType>();
  private readonly asked: Record<"endpoint" | "route", Set<string>> = { endpoint: new Set(), route: new Set() };
  private readonly watchers = new Set<() => void>();

  /** Connects (again) and subscribes, with the versions of what is held. */
  connect(url: string, node?: NodeOptions): void {
    this.traffic = { responses: [], bytes: 0 };
    this.answered.clear();
    for (const names of Object.values(this.asked)) names.clear();
    this.client = new AdsClient({
      url,
      ...(node === undefined ? {} : { node }),
      onDelta: (response) => this.take(response),
    });
    this.client.ended.then(
      () => this.wake(),
      () => {},
    );
    this.ask("cluster", []);
    this.follow();
  }

  async close(): Promise<void> {
    await this.client?.close();
  }

  /** Every type was answered, and all that clusters and listeners refer to is held. */
  get isComplete(): boolean {
    return (
      this.answered.has("cluster") &&
      this.answered.has("listener") &&
      this.edsNames().every((name) => this.held.endpoint.has(name)) &&
      this.rdsNames().every((name) => this.held.route.has(name))
    );
  }

  /** Resolves once the condition holds; it is looked at after each response. */
  until(condition: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        if (!condition()) return;
        clearTimeout(watchdog);
        this.watchers.delete(look);
        resolve();
      };
      const watchdog = setTimeout(() => {
        this.watchers.delete(look);
        const held = Object.entries(this.held).map(([type, resources]) => `${resources.size} of type ${type}`);
        reject(
          new TypeError(`in vain after ${this.traffic.responses.length} responses: ${condition}; ${held.join(", ")}`),
        );
      }, untilMs);
      this.watchers.add(look);
      look();
    });
  }

  complete(): Promise<void> {
    return this.until(() => this.isComplete);
  }

  /** Names of the clusters whose endpoints come by EDS, as they are named there. */
  edsNames(): string[] {
    return [...this.held.cluster.values()].flatMap(({ value }) => {
      const { clusterDiscoveryType: kind, edsClusterConfig, name } = fromBinary(ClusterSchema, value);
      if (kind.case !== "type" || kind.value !== Cluster_DiscoveryType.EDS) return [];
      return [edsClusterConfig?.serviceName || name];
    });
  }

  rdsNames(): string[] {
    const names = [...this.held.listener.values()].flatMap(({ value }) => routesOf(fromBinary(ListenerSchema, value)));
    return [...new Set(names)];
  }

  /** Resources that came over this connection, `type name`. */
  get resources(): string[] {
    return this.traffic.responses.flatMap(({ type, names }) => names.map((name) => `${type} ${name}`));
  }

  private take(response: DeltaDiscoveryResponse): void {
    const type = types.find((each) => typeUrls[each] === response.typeUrl);
    if (type === undefined) throw new TypeError(`${response.typeUrl} was not asked for`);
    for (const { name, version, resource } of response.resources) {
      const value = resource?.value ?? new Uint8Array();
      this.traffic.bytes += value.length;
      this.held[type].set(name, { version, value });
    }
    for (const name of response.removedResources) this.held[type].delete(name);
    const names = response.resources.map(({ name }) => name);
    this.traffic.responses.push({ type, names, removed: response.removedResources });
    this.answered.add(type);
    this.client?.request({ typeUrl: response.typeUrl, responseNonce: response.nonce });
    this.follow();
    this.wake();
  }

  /** Asks for what clusters and listeners refer to; listeners come after clusters and their endpoints. */
  private follow(): void {
    if (this.answered.has("cluster")) {
      this.askNew("endpoint", this.edsNames());
      const isFirst = !this.answered.has("listener") && !this.asked.route.has("");
      if (isFirst && this.edsNames().every((name) => this.held.endpoint.has(name))) {
        this.asked.route.add(""); // listeners were asked for
        this.ask("listener", []);
      }
    }
    if (this.answered.has("listener")) this.askNew("route", this.rdsNames());
  }

  private askNew(type: "endpoint" | "route", names: readonly string[]): void {
    const asked = this.asked[type];
    const fresh = names.filter((name) => !asked.has(name));
    if (fresh.length === 0) return;
    for (const name of fresh) asked.add(name);
    this.ask(type, fresh);
  }

  private ask(type: ProxyType, names: readonly string[]): void {
    const isFirst = !this.responsesOf(type) && this.client !== undefined;
    const initial = Object.fromEntries([...this.held[type]].map(([name, { version }]) => [name, version]));
    this.client?.request({
      typeUrl: typeUrls[type],
      resourceNamesSubscribe: [...names],
      ...(isFirst ? { initialResourceVersions: initial } : {}),
    });
  }

  private responsesOf(type: ProxyType): boolean {
    return this.traffic.responses.some((response) => response.type === type);
  }

  private wake(): void {
    for (const look of [...this.watchers]) look();
  }
}

function routesOf(listener: Listener): string[] {
  const chains = [...listener.filterChains, ...(listener.defaultFilterChain ? [listener.defaultFilterChain] : [])];
  return chains.flatMap(({ filters }) =>
    filters.flatMap(({ configType }) => {
      const manager =
        configType.case === "typedConfig" ? anyUnpack(configType.value, HttpConnectionManagerSchema) : undefined;
      return manager?.routeSpecifier.case === "rds" ? [manager.routeSpecifier.value.routeConfigName] : [];
    }),
  );
}
