// A control plane that waits for no acknowledgement: it sends clusters, load assignments, the routes whose clusters' load
// assignments were sent, and then what is gone. Messages go on when a test says so.
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  type DeltaDiscoveryRequest,
  DeltaDiscoveryRequestSchema,
  DeltaDiscoveryResponseSchema,
} from "../../../gen/envoy/service/discovery/v3/discovery_pb.ts";
import type { Resource } from "../../xds/resource.ts";
import { ResourceTable } from "../../xds/resource-table.fake.ts";
import { typeUrls } from "../../xds/type-url.ts";
import type { UpstreamListener } from "./xds-relay.ts";

const order: readonly string[] = [typeUrls.cluster, typeUrls.endpoint, typeUrls.route];

interface Told {
  isAll: boolean;
  readonly names: Set<string>;
  /** Versions as last sent; undefined: it was told that there is none. */
  readonly versions: Map<string, string | undefined>;
}

export class EagerControlPlane {
  private readonly tables = new Map(order.map((typeUrl) => [typeUrl, new ResourceTable(typeUrl)]));
  private readonly told = new Map<string, Told>();
  private readonly toServer: DeltaDiscoveryRequest[] = [];
  private readonly toClient: Uint8Array[] = [];
  private readonly listener: UpstreamListener;
  private nonces = 0;

  constructor(open: (send: (message: Uint8Array) => void) => UpstreamListener) {
    this.listener = open((message) => this.toServer.push(fromBinary(DeltaDiscoveryRequestSchema, message)));
    this.listener.announced(new Set());
  }

  table(typeUrl: string): ResourceTable {
    return this.tables.get(typeUrl) as ResourceTable;
  }

  /** Takes one message of the machine; false where there is none. */
  hear(): boolean {
    const request = this.toServer.shift();
    if (request === undefined) return false;
    const { typeUrl, resourceNamesSubscribe: subscribe, resourceNamesUnsubscribe: unsubscribe } = request;
    const told = this.told.get(typeUrl) ?? { isAll: false, names: new Set(), versions: new Map() };
    this.told.set(typeUrl, told);
    if (subscribe.includes("*")) told.isAll = true;
    for (const name of [...subscribe, ...unsubscribe]) told.versions.delete(name);
    for (const name of subscribe) if (name !== "*") told.names.add(name);
    for (const name of unsubscribe) told.names.delete(name);
    return true;
  }

  /** Puts all that is news on the wire; false where there is none. */
  push(): boolean {
    const news = order.map((typeUrl) => this.pushNews(typeUrl));
    const routes = this.told.get(typeUrls.route)?.versions;
    const isDone = [...this.table(typeUrls.route).values()].every(({ name, version }) => routes?.get(name) === version);
    const gone = isDone ? order.map((typeUrl) => this.pushGone(typeUrl)) : [];
    return news.includes(true) || gone.includes(true);
  }

  /** Brings one message to the machine; false where there is none. */
  deliver(): boolean {
    const message = this.toClient.shift();
    if (message !== undefined) this.listener.message(message);
    return message !== undefined;
  }

  private pushNews(typeUrl: string): boolean {
    const told = this.told.get(typeUrl);
    if (told === undefined) return false;
    const table = this.table(typeUrl);
    const names = told.isAll ? [...table.values()].map(({ name }) => name) : [...told.names];
    const resources = names
      .flatMap((name) => table.get(name) ?? [])
      .filter(({ name, version }) => told.versions.get(name) !== version)
      .filter((resource) => typeUrl !== typeUrls.route || this.isProvided(resource));
    // Who asks for what does not exist waits for that word.
    const missing = [...told.names].filter((name) => table.get(name) === undefined && !told.versions.has(name));
    if (resources.length + missing.length === 0) return false;
    for (const { name, version } of resources) told.versions.set(name, version);
    for (const name of missing) told.versions.set(name, undefined);
    // Envoy waits for the load assignment of a changed cluster, be it unchanged.
    if (typeUrl === typeUrls.cluster) {
      for (const { name } of resources) this.told.get(typeUrls.endpoint)?.versions.delete(name);
    }
    this.send(typeUrl, resources, missing);
    return true;
  }

  /** The text of a route configuration is the names of its clusters. */
  private isProvided({ body }: Resource): boolean {
    const endpoints = this.told.get(typeUrls.endpoint);
    return new TextDecoder()
      .decode(body)
      .split(" ")
      .every((name) => {
        const version = this.table(typeUrls.endpoint).get(name)?.version;
        return version !== undefined && endpoints?.versions.get(name) === version;
      });
  }

  private pushGone(typeUrl: string): boolean {
    const { names, versions } = this.told.get(typeUrl) ?? {
      names: [],
      versions: new Map<string, string | undefined>(),
    };
    const isTold = (name: string): boolean => versions.has(name) && versions.get(name) === undefined;
    const gone = [...new Set([...versions.keys(), ...names])].filter(
      (name) => this.table(typeUrl).get(name) === undefined && !isTold(name),
    );
    if (gone.length === 0) return false;
    for (const name of gone) versions.set(name, undefined);
    this.send(typeUrl, [], gone);
    return true;
  }

  private send(typeUrl: string, resources: readonly Resource[], removedResources: string[]): void {
    const response = create(DeltaDiscoveryResponseSchema, {
      ...{ typeUrl, nonce: `n${++this.nonces}`, removedResources },
      resources: resources.map(({ name, version, body }) => ({ name, version, resource: { typeUrl, value: body } })),
    });
    this.toClient.push(toBinary(DeltaDiscoveryResponseSchema, response));
  }
}
