// A control plane's API in miniature: discovery, objects, Tables, watches and what a test adds, over plain HTTP.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { apiVersionOf, type Kind } from "../../config/kind.ts";
import { kinds } from "../../config/kinds.ts";
import { mergePatch } from "../input/merge-patch.fake.ts";
import { fieldsOf, textOf, valueAt } from "../json-value.ts";

export interface FakeObject {
  apiVersion: string;
  kind: string;
  metadata: Record<string, unknown> & { name: string; namespace?: string };
  [field: string]: unknown;
}

export interface FakeRequest {
  method: string;
  /** Path with query. */
  url: string;
  path: string;
  query: URLSearchParams;
  headers: IncomingMessage["headers"];
  body: string;
}

/** What a test answers instead; undefined leaves it to the fake. */
export type FakeRoute = (
  request: FakeRequest,
) => { status?: number; body: unknown; headers?: Record<string, string> } | undefined;

export class FakeApiServer {
  readonly requests: FakeRequest[] = [];
  /** By `plural/namespace/name`. */
  readonly objects = new Map<string, FakeObject>();
  /** Sent with every answer to a write. */
  warnings: string[] = [];
  route: FakeRoute = () => undefined;
  private version = 100;
  private readonly watches = new Set<ServerResponse>();
  private readonly server: Server;
  /** Resolves when the next watch has begun. */
  private onWatch: (() => void) | undefined;

  private constructor() {
    this.server = createServer((request, response) => void this.serve(request, response));
  }

  static async start(): Promise<FakeApiServer> {
    const fake = new FakeApiServer();
    await new Promise<void>((resolve) => fake.server.listen(0, "127.0.0.1", resolve));
    return fake;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  get kubeconfig(): string {
    return JSON.stringify({
      apiVersion: "v1",
      kind: "Config",
      "current-context": "test",
      clusters: [{ name: "test", cluster: { server: this.url } }],
      users: [{ name: "admin", user: { token: "secret-token" } }],
      contexts: [{ name: "test", context: { cluster: "test", user: "admin", namespace: "shop" } }],
    });
  }

  /** Requests but discovery, as `METHOD url`. */
  get asked(): string[] {
    return this.requests
      .filter(({ path }) => path !== "/api" && path !== "/apis")
      .map(({ method, url }) => `${method} ${decodeURIComponent(url)}`);
  }

  /** Requests that change something. */
  get writes(): FakeRequest[] {
    return this.requests.filter(({ method }) => method !== "GET");
  }

  /** Stores an object; namespaced ones without a namespace go to `shop`. */
  put(object: FakeObject): FakeObject {
    const kind = kinds.find((each) => each.kind === object.kind);
    const namespaced = kind?.scope === "Namespaced";
    this.version += 1;
    const stored: FakeObject = {
      ...object,
      metadata: {
        ...(namespaced ? { namespace: "shop" } : {}),
        creationTimestamp: "2026-01-01T00:00:00Z",
        ...object.metadata,
        resourceVersion: String(this.version),
      },
    };
    this.objects.set(keyOf(kind?.plural ?? "", stored.metadata.namespace ?? "", stored.metadata.name), stored);
    return stored;
  }

  watching(): Promise<void> {
    return new Promise((resolve) => {
      this.onWatch = resolve;
    });
  }

  /** Sends one event to every watch. */
  emit(event: unknown): void {
    for (const response of this.watches) response.write(`${JSON.stringify(event)}\n`);
  }

  endWatches(): void {
    for (const response of this.watches) response.end();
    this.watches.clear();
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = "";
    for await (const chunk of incoming.setEncoding("utf8") as AsyncIterable<string>) body += chunk;
    const url = new URL(incoming.url ?? "/", "http://fake");
    const request: FakeRequest = {
      method: incoming.method ?? "",
      url: incoming.url ?? "",
      path: url.pathname,
      query: url.searchParams,
      headers: incoming.headers,
      body,
    };
    this.requests.push(request);
    const own = this.route(request);
    if (own !== undefined) send(response, own.status ?? 200, own.body, own.headers);
    else if (request.query.get("watch") === "1") this.serveWatch(response);
    else {
      const { code, body: answer, headers } = this.answer(request);
      send(response, code, answer, headers);
    }
  }

  private answer(request: FakeRequest): { code: number; body: unknown; headers?: Record<string, string> } {
    if (request.path === "/api" || request.path === "/apis") return { code: 200, body: discovery(request.path) };
    const place = /^\/(?:api|apis\/([^/]+))\/([^/]+)(?:\/namespaces\/([^/]+))?\/([^/]+)(?:\/([^/]+))?$/.exec(
      request.path,
    );
    const [, group = "", version = "", namespace, plural = "", name] = place ?? [];
    const kind = kinds.find(
      (each) => each.group === group && each.plural === plural && each.versions.includes(version),
    );
    if (kind === undefined) return { code: 404, body: status(404, "NotFound", "no such path") };
    if (name === undefined && request.method === "GET") return { code: 200, body: this.list(kind, namespace, request) };
    const headers = request.method === "GET" || this.warnings.length === 0 ? {} : warningHeaders(this.warnings);
    return { headers, ...this.answerOne(request, kind, namespace ?? "", name) };
  }

  private list(kind: Kind, namespace: string | undefined, request: FakeRequest): unknown {
    const prefix = namespace === undefined ? `${kind.plural}/` : `${kind.plural}/${namespace}/`;
    const items = [...this.objects]
      .filter(([key]) => key.startsWith(prefix))
      .map(([, object]) => object)
      .filter((object) => hasLabels(object, request.query.get("labelSelector")));
    const metadata = { resourceVersion: String(this.version) };
    return wantsTable(request)
      ? tableOf(kind, items, metadata)
      : { kind: `${kind.kind}List`, apiVersion: apiVersionOf(kind), metadata, items };
  }

  private answerOne(
    request: FakeRequest,
    kind: Kind,
    namespace: string,
    name: string | undefined,
  ): { code: number; body: unknown } {
    const dry = request.query.get("dryRun") === "All";
    const label = `${kind.plural}.${kind.group}`;
    if (request.method === "POST") {
      const object = JSON.parse(request.body) as FakeObject;
      const taken = this.objects.has(keyOf(kind.plural, namespace, object.metadata.name));
      return taken
        ? { code: 409, body: status(409, "AlreadyExists", `${label} "${object.metadata.name}" already exists`) }
        : { code: 201, body: dry ? object : this.put(object) };
    }
    const key = keyOf(kind.plural, namespace, name ?? "");
    const stored = this.objects.get(key);
    const isApply = textOf(request.headers["content-type"]).includes("apply-patch");
    if (stored === undefined && !isApply)
      return { code: 404, body: status(404, "NotFound", `${label} "${name}" not found`) };
    if (request.method === "GET")
      return { code: 200, body: wantsTable(request) ? tableOf(kind, [stored], {}) : stored };
    if (request.method === "DELETE") {
      if (!dry) this.objects.delete(key);
      return { code: 200, body: { kind: "Status", apiVersion: "v1", status: "Success" } };
    }
    const patched = mergePatch(stored ?? {}, JSON.parse(request.body)) as FakeObject;
    return { code: stored === undefined ? 201 : 200, body: dry ? patched : this.put(patched) };
  }

  private serveWatch(response: ServerResponse): void {
    response.writeHead(200, { "content-type": "application/json" });
    response.flushHeaders();
    this.watches.add(response);
    response.on("close", () => this.watches.delete(response));
    this.onWatch?.();
  }
}

/** A Table of Kubernetes for objects, with the columns of the kind. */
export function tableOf(kind: (typeof kinds)[number], objects: readonly unknown[], metadata: object): object {
  const columns = kind.columns.map((column) => ({ name: column.name, type: column.type, priority: 0 }));
  return {
    kind: "Table",
    apiVersion: "meta.k8s.io/v1",
    metadata,
    columnDefinitions: [{ name: "Name", type: "string", format: "name", priority: 0 }, ...columns],
    rows: objects.map((object) => ({
      cells: [
        valueAt(object, "metadata", "name"),
        ...kind.columns.map((column) =>
          column.type === "date"
            ? "5m"
            : (valueAt(object, ...column.jsonPath.split(".").filter((part) => part !== "")) ?? ""),
        ),
      ],
      object: { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata: valueAt(object, "metadata") },
    })),
  };
}

export function status(code: number, reason: string, message: string, causes: object[] = []): object {
  return { kind: "Status", apiVersion: "v1", status: "Failure", code, reason, message, details: { causes } };
}

function discovery(path: "/api" | "/apis"): object {
  const groups = [...new Set(kinds.map((kind) => kind.group))].filter((group) => (group === "") === (path === "/api"));
  return {
    kind: "APIGroupDiscoveryList",
    apiVersion: "apidiscovery.k8s.io/v2",
    metadata: {},
    items: groups.map((group) => ({
      metadata: { name: group },
      versions: [...new Set(kinds.filter((kind) => kind.group === group).flatMap((kind) => kind.versions))].map(
        (version) => ({
          version,
          resources: kinds
            .filter((kind) => kind.group === group && kind.versions.includes(version))
            .map((kind) => ({
              resource: kind.plural,
              responseKind: { group, version, kind: kind.kind },
              scope: kind.scope,
              singularResource: kind.singular,
              shortNames: kind.shortNames,
            })),
        }),
      ),
    })),
  };
}

function hasLabels(object: unknown, selector: string | null): boolean {
  const labels = fieldsOf(valueAt(object, "metadata", "labels"));
  return (selector ?? "")
    .split(",")
    .filter((part) => part !== "")
    .every((part) => labels[part.split("=")[0] ?? ""] === part.split("=")[1]);
}

function wantsTable(request: FakeRequest): boolean {
  return textOf(request.headers.accept).startsWith("application/json;as=Table");
}

function warningHeaders(warnings: readonly string[]): Record<string, string> {
  return { warning: warnings.map((text) => `299 - ${JSON.stringify(text)}`).join(", ") };
}

function keyOf(plural: string, namespace: string, name: string): string {
  return `${plural}/${namespace}/${name}`;
}

function send(response: ServerResponse, code: number, body: unknown, headers: Record<string, string> = {}): void {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  response.writeHead(code, { "content-type": "application/json", ...headers });
  response.end(text);
}
