// Route configurations put together from parts: the newest of each head and virtual host, and whether they belong together.
import { fromBinary } from "@bufbuild/protobuf";
import { RoutePartSchema } from "../../../gen/lateen/agent/v1/agent_pb.ts";
import { OrderedMap } from "../../kernel/ordered-map.ts";
import { isRouteHead, routeOfPart } from "../../xds/route-part-name.ts";
import { routeConfigurationVersion } from "../../xds/route-version.ts";
import { typeUrls } from "../../xds/type-url.ts";
import { agentErrors } from "../errors.ts";
import type { CacheChange, CachedResource, ResourceCache } from "./resource-cache.ts";

interface Head {
  readonly body: Uint8Array;
  /** Version of the whole. */
  readonly version: string;
}

interface VirtualHostPart {
  readonly version: string;
  /** An encoded RouteConfiguration with this virtual host and nothing else. */
  readonly body: Uint8Array;
  readonly position: string;
}

interface Table {
  head: Head | undefined;
  /** By resource name. */
  readonly parts: Map<string, VirtualHostPart>;
  /** By position; names make equal positions different. */
  readonly order: OrderedMap<VirtualHostPart>;
  /** What the parts make together; undefined where they do not belong together. Made when asked for. */
  whole: { readonly resource: CachedResource | undefined } | undefined;
}

export class ComposedRoutes {
  private readonly tables = new Map<string, Table>();

  /**
   * Takes up what changed in the cache of parts; returns the route configurations that it concerns.
   *
   * @throws LateenError LAT4210 where a part is not what it should be; all others are taken up
   */
  take(cache: ResourceCache, change: Pick<CacheChange, "sent" | "removed">): Set<string> {
    const concerned = new Set<string>();
    let failure: unknown;
    for (const name of change.removed) {
      concerned.add(routeOfPart(name));
      this.remove(name);
    }
    for (const name of change.sent) {
      const resource = cache.get(name);
      concerned.add(routeOfPart(name));
      try {
        if (resource === undefined) this.remove(name);
        else this.set(resource);
      } catch (error) {
        failure = error;
      }
    }
    if (failure !== undefined) throw failure;
    return concerned;
  }

  /** Names of route configurations of which there is a head. */
  *names(): IterableIterator<string> {
    for (const [name, { head }] of this.tables) if (head !== undefined) yield name;
  }

  has(name: string): boolean {
    return this.tables.get(name)?.head !== undefined;
  }

  /** The route configuration whole; undefined while the parts that are here do not belong together. */
  get(name: string): CachedResource | undefined {
    const table = this.tables.get(name);
    if (table === undefined) return undefined;
    table.whole ??= { resource: compose(name, table) };
    return table.whole.resource;
  }

  private set({ name, version, body }: CachedResource): void {
    const table = this.tableOf(routeOfPart(name));
    const known = isRouteHead(name) ? table.head?.version : table.parts.get(name)?.version;
    if (known === version) return; // sent again
    const part = decode(name, body);
    table.whole = undefined;
    if (isRouteHead(name)) {
      table.head = { body: part.routeConfiguration, version: part.contentVersion };
      return;
    }
    this.forget(table, name);
    const entry = { version, body: part.routeConfiguration, position: part.position };
    table.parts.set(name, entry);
    table.order.set(placeOf(entry, name), entry);
  }

  private remove(name: string): void {
    const route = routeOfPart(name);
    const table = this.tables.get(route);
    if (table === undefined) return;
    table.whole = undefined;
    if (isRouteHead(name)) table.head = undefined;
    else this.forget(table, name);
    if (table.head === undefined && table.parts.size === 0) this.tables.delete(route);
  }

  private forget(table: Table, name: string): void {
    const known = table.parts.get(name);
    if (known === undefined) return;
    table.parts.delete(name);
    table.order.delete(placeOf(known, name));
  }

  private tableOf(route: string): Table {
    let table = this.tables.get(route);
    if (table === undefined) {
      table = { head: undefined, parts: new Map(), order: new OrderedMap(), whole: undefined };
      this.tables.set(route, table);
    }
    return table;
  }
}

function placeOf({ position }: VirtualHostPart, name: string): string {
  return `${position}\0${name}`;
}

function decode(name: string, body: Uint8Array) {
  try {
    return fromBinary(RoutePartSchema, body);
  } catch (cause) {
    throw agentErrors.badStreamMessage(`${name}: part of a route configuration that could not be decoded`, { cause });
  }
}

function compose(name: string, { head, order }: Table): CachedResource | undefined {
  if (head === undefined) return undefined;
  const parts = order.inOrder();
  const versions = parts.map((part) => part.version);
  if (routeConfigurationVersion(head.body, versions) !== head.version) return undefined;
  return new ComposedRoute(name, head, [...parts]);
}

/** Put together when it is sent: while changes follow each other, most are overtaken before. */
class ComposedRoute implements CachedResource {
  readonly name: string;
  readonly version: string;
  readonly bodyType = typeUrls.route;
  private pieces: readonly Uint8Array[];
  private composed: Uint8Array | undefined;

  constructor(name: string, head: Head, parts: readonly VirtualHostPart[]) {
    this.name = name;
    this.version = head.version;
    this.pieces = [head.body, ...parts.map((part) => part.body)];
  }

  /** Protobuf messages are merged by putting their bytes together. */
  get body(): Uint8Array {
    this.composed ??= Buffer.concat(this.pieces);
    this.pieces = [];
    return this.composed;
  }
}
