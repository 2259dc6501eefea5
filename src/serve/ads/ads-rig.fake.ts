// An AdsServer on a loopback port, over tables of resources that a test fills.
import { createServer, type Http2Server, type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { Graph } from "../../collection/graph.ts";
import { Source } from "../../collection/source.ts";
import { FakeClock } from "../../kernel/clock.fake.ts";
import type { Clock } from "../../kernel/clock.ts";
import { contentHash } from "../../kernel/hash.ts";
import { fakeLog, type LogLine } from "../../kernel/log.fake.ts";
import { Metrics } from "../../kernel/metric.ts";
import { systemRandom } from "../../kernel/random.ts";
import type { Generator, XdsClient } from "../../xds/generator.ts";
import type { Resource } from "../../xds/resource.ts";
import type { Peer } from "../peer.ts";
import { AdsClient, type AdsClientOptions } from "./ads-client.fake.ts";
import { AdsServer, type AdsServerOptions } from "./ads-server.ts";

/** One table of resources per type, the same for every client. */
export class ResourceTables implements Generator {
  readonly graph = new Graph();
  readonly opened: XdsClient[] = [];
  closed = 0;
  private readonly tables = new Map<string, Source<Resource>>();

  table(typeUrl: string): Source<Resource> {
    let table = this.tables.get(typeUrl);
    if (table === undefined) {
      table = new Source<Resource>(this.graph, typeUrl, (a, b) => a.version === b.version);
      this.tables.set(typeUrl, table);
    }
    return table;
  }

  /** Puts a resource whose body is `text`. */
  set(typeUrl: string, name: string, text: string = name, more: Partial<Resource> = {}): Resource {
    const resource = makeResource(typeUrl, name, text, more);
    this.table(typeUrl).set(name, resource);
    return resource;
  }

  delete(typeUrl: string, name: string): void {
    this.table(typeUrl).delete(name);
  }

  open(client: XdsClient) {
    this.opened.push(client);
    return {
      whenReady: (go: () => void) => go(),
      resources: (typeUrl: string) => this.table(typeUrl),
      close: () => void this.closed++,
    };
  }

  /** Listeners on all tables; 0 once every stream is gone. */
  get observers(): number {
    return [...this.tables.values()].reduce((sum, table) => sum + table.observers, 0);
  }
}

export function makeResource(typeUrl: string, name: string, text: string, more: Partial<Resource> = {}): Resource {
  const body = new TextEncoder().encode(text);
  return { typeUrl, name, version: contentHash(text), body, sources: [], ...more };
}

export interface AdsRig {
  readonly tables: ResourceTables;
  readonly ads: AdsServer;
  readonly clock: FakeClock;
  readonly url: string;
  readonly log: readonly LogLine[];
  readonly metrics: Metrics;
  readonly server: Http2Server;
  client(options?: Partial<AdsClientOptions>): AdsClient;
  /** Resolves once no stream is open, and what they held is given up. */
  allGone(): Promise<void>;
  stop(): Promise<void>;
}

/** @param options.peer who every client is taken for; default: nobody, as on the plaintext port */
export async function startAdsRig(
  options: Partial<Omit<AdsServerOptions, "clock">> & { peer?: Peer; clock?: Clock } = {},
): Promise<AdsRig> {
  const { peer = { kind: "plaintext" }, ...own } = options;
  const tables = new ResourceTables();
  const clock = new FakeClock();
  const metrics = new Metrics();
  const { log, lines } = fakeLog();
  const ads = new AdsServer({
    generator: tables,
    clock,
    random: systemRandom,
    log,
    metrics,
    controlPlane: "cp-1",
    ...own,
  });
  const server = createServer();
  let streams = 0;
  const waiting: (() => void)[] = [];
  server.on("stream", (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    streams += 1;
    stream.on("close", () => {
      streams -= 1;
      if (streams === 0) for (const resolve of waiting.splice(0)) resolve();
    });
    const variant = ads.variantOf(String(headers[":path"]));
    if (variant === undefined) stream.close();
    else ads.accept(stream, { variant, peer, address: "127.0.0.1" });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const clients: AdsClient[] = [];
  return {
    tables,
    ads,
    clock,
    url,
    metrics,
    server,
    log: lines,
    client(more = {}) {
      const client = new AdsClient({ url, ...more });
      clients.push(client);
      return client;
    },
    async allGone() {
      if (streams > 0) await new Promise<void>((resolve) => waiting.push(resolve));
      while (ads.size > 0) await new Promise((resolve) => setImmediate(resolve));
    },
    async stop() {
      await ads.stop();
      await Promise.all(clients.map((client) => client.close()));
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
