// The configuration API over a store in memory, reached by plain HTTP.
import { createServer, request as httpRequest, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Graph } from "../../collection/graph.ts";
import { Join } from "../../collection/join.ts";
import { Source } from "../../collection/source.ts";
import type { Config } from "../../config/object.ts";
import { systemClock } from "../../kernel/clock.ts";
import { fakeLog, type LogLine } from "../../kernel/log.fake.ts";
import { Metrics } from "../../kernel/metric.ts";
import { systemRandom } from "../../kernel/random.ts";
import { watchStoredObjects } from "../../sources/store/stored-objects.ts";
import { memoryStore } from "../../store/store.fake.ts";
import type { Store } from "../../store/store.ts";
import { type ApiIdentity, adminGroup } from "./api-identity.ts";
import { type ConfigApi, type ConfigApiOptions, openConfigApi } from "./config-api.fake.ts";

// biome-ignore lint/suspicious/noExplicitAny: tests look into answers of any shape
export type Json = any;

export interface Answer {
  code: number;
  headers: IncomingMessage["headers"];
  text: string;
  /** The body as JSON; undefined where it is none. */
  json: Json;
}

export interface Call {
  body?: unknown;
  /** Sent as it is, in place of `body`. */
  text?: string;
  headers?: Record<string, string>;
}

export interface WatchEvent {
  type: string;
  object: Json;
}

/** A watch that a test reads event by event. */
export class WatchStream {
  readonly events: WatchEvent[] = [];
  ended = false;
  private readonly response: IncomingMessage;
  private taken = 0;
  private wake: () => void = () => {};

  constructor(response: IncomingMessage) {
    this.response = response;
    let rest = "";
    response.setEncoding("utf8");
    response.on("data", (chunk: string) => {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) this.events.push(JSON.parse(line) as WatchEvent);
      this.wake();
    });
    response.on("close", () => {
      this.ended = true;
      this.wake();
    });
  }

  get code(): number | undefined {
    return this.response.statusCode;
  }

  /** The next event; undefined where the watch ended. */
  async next(): Promise<WatchEvent | undefined> {
    while (this.taken >= this.events.length && !this.ended) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
    return this.events[this.taken++];
  }

  /** `TYPE name` of the next events. */
  async names(count: number): Promise<string[]> {
    const names: string[] = [];
    while (names.length < count) {
      const event = await this.next();
      names.push(event === undefined ? "(end)" : `${event.type} ${event.object.metadata?.name ?? ""}`);
    }
    return names;
  }

  close(): void {
    this.response.destroy();
  }
}

export class ApiRig {
  readonly store: Store;
  readonly api: ConfigApi;
  readonly graph: Graph;
  /** Objects as if read from files. */
  readonly files: Source<Config>;
  readonly statuses: Source<unknown>;
  readonly logLines: readonly LogLine[];
  private readonly server: Server;
  private readonly ends: (() => Promise<void>)[];

  private constructor(
    parts: Pick<ApiRig, "store" | "api" | "graph" | "files" | "statuses" | "logLines">,
    server: Server,
    ends: (() => Promise<void>)[],
  ) {
    ({ store: this.store, api: this.api, graph: this.graph } = parts);
    ({ files: this.files, statuses: this.statuses, logLines: this.logLines } = parts);
    this.server = server;
    this.ends = ends;
  }

  static async start(
    options: Partial<ConfigApiOptions> & { identity?: () => ApiIdentity | undefined; files?: readonly Config[] } = {},
  ): Promise<ApiRig> {
    const { identity = () => ({ name: "admin", groups: [adminGroup] }), files: initial = [] } = options;
    const store = options.store ?? memoryStore();
    const graph = new Graph();
    const stored = await watchStoredObjects(store, graph, { source: "Kubernetes" });
    const files = new Source<Config>(graph, "files");
    for (const config of initial) files.set(fileKey(config), config);
    const statuses = new Source<unknown>(graph, "statuses");
    const { log, lines } = fakeLog();
    const api = await openConfigApi({
      objects: new Join("objects", [files, stored.objects]),
      statuses,
      store,
      authenticator: { authenticate: async () => identity() },
      hostNames: [],
      version: {
        version: "0.1.0",
        controlPlane: "cp-1",
        trustDomain: "cluster.local",
        rootNamespace: "istio-system",
        clusterId: "Kubernetes",
      },
      clock: systemClock,
      random: systemRandom,
      log,
      metrics: new Metrics(),
      ...options,
    });
    const server = createServer(api.handler.handle);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const parts = { store, api, graph, files, statuses, logLines: lines };
    return new ApiRig(parts, server, [() => api.stop(), () => stored.stop(), () => store.stop()]);
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** @param target path and query, sent as they are */
  async call(method: string, target: string, { body, text, headers = {} }: Call = {}): Promise<Answer> {
    const payload = text ?? (body === undefined ? undefined : JSON.stringify(body));
    const type =
      payload === undefined
        ? {}
        : { "content-type": "application/json", "content-length": String(Buffer.byteLength(payload)) };
    const response = await this.open(method, target, { ...type, ...headers }, payload);
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    const received = Buffer.concat(chunks).toString("utf8");
    let json: Json;
    try {
      json = JSON.parse(received);
    } catch {
      json = undefined;
    }
    return { code: response.statusCode ?? 0, headers: response.headers, text: received, json };
  }

  async watch(target: string, headers: Record<string, string> = {}): Promise<WatchStream> {
    return new WatchStream(await this.open("GET", target, headers, undefined));
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    for (const end of this.ends) await end();
    this.server.closeAllConnections();
    await closed;
  }

  private open(
    method: string,
    path: string,
    headers: Record<string, string>,
    payload: string | undefined,
  ): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const call = httpRequest({ host: "127.0.0.1", port: this.port, method, path, headers, agent: false }, resolve);
      call.on("error", reject);
      call.end(payload);
    });
  }
}

export function fileKey({ key }: Config): string {
  return `${key.source}/${key.group}/${key.kind}/${key.namespace}/${key.name}`;
}
