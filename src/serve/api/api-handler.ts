// Every request of the configuration API: guards, who it is from, where it goes, how it fails.
import type { IncomingMessage, ServerResponse } from "node:http";
import { addressScope } from "../../config/ip-address.ts";
import type { Kind } from "../../config/kind.ts";
import type { ControlPlaneVersion, PendingField } from "../../contract/control-plane.ts";
import { apiPaths } from "../../contract/paths.ts";
import type { Clock } from "../../kernel/clock.ts";
import { describeError, LateenError } from "../../kernel/error.ts";
import { parseIp } from "../../kernel/ip-address.ts";
import type { Log } from "../../kernel/log.ts";
import type { Metrics } from "../../kernel/metric.ts";
import type { QueueInspection } from "../debug/engine-inspection.ts";
import { type ApiIdentity, type Authenticator, isAdmin } from "./api-identity.ts";
import { ApiMetrics } from "./api-metrics.ts";
import { bodyText } from "./body-value.ts";
import { guardAgainstPages } from "./browser-guard.ts";
import { discoveryReply } from "./discovery-reply.ts";
import { type ExtraRoute, matchPattern } from "./extra-route.ts";
import { type ApiReply, jsonReply, readBody, sendReply } from "./http-exchange.ts";
import { parseJson } from "./json-tree.ts";
import { requestLimit, watchLimit } from "./limits.ts";
import { parseTarget, type RequestTarget } from "./request-path.ts";
import { type ResourceHandler, resourceVerb } from "./resource-handler.ts";
import { resourceRoute } from "./resource-route.ts";
import { type Status, StatusError, statusOf } from "./status-error.ts";

export interface ApiHandlerOptions {
  kinds: readonly Kind[];
  resources: ResourceHandler;
  authenticator: Authenticator;
  /** Host names under which the API is reached, beside any address. */
  hostNames: readonly string[];
  version: ControlPlaneVersion;
  pendingFields: readonly PendingField[];
  extraRoutes: readonly ExtraRoute[];
  /** HTTP status and reason for errors of extra routes, by code; others are taken for defects. */
  extraStatus?: (error: LateenError) => { code: number; reason: string } | undefined;
  clock: Clock;
  log: Log;
  metrics: Metrics;
}

/** Answered to anyone: they say nothing of the mesh. */
const openPaths = new Set(["/version", "/healthz", "/livez", "/readyz"]);

export class ApiHandler {
  private readonly options: ApiHandlerOptions;
  private readonly hostNames: ReadonlySet<string>;
  private readonly metrics: ApiMetrics;
  private readonly stopping = new AbortController();
  private readonly running = new Set<Promise<void>>();
  private requests = 0;
  private watches = 0;

  constructor(options: ApiHandlerOptions) {
    this.options = options;
    this.hostNames = new Set(["localhost", ...options.hostNames.map((name) => name.toLowerCase())]);
    this.metrics = new ApiMetrics(options.metrics);
  }

  /** Takes a request of any HTTP server of Node's. Never throws. */
  readonly handle = (request: IncomingMessage, response: ServerResponse): void => {
    const done = this.serve(request, response).catch((error: unknown) => {
      this.options.log.error("an answer of the API could not be sent", { error: describeError(error) });
      response.destroy();
    });
    this.running.add(done);
    void done.then(() => this.running.delete(done));
  };

  /** Requests and watches that are being worked on. */
  get queues(): QueueInspection[] {
    return [
      { name: "api_requests", help: "requests that are being answered", length: this.requests, limit: requestLimit },
      { name: "api_watches", help: "watches that are open", length: this.watches, limit: watchLimit },
    ];
  }

  /** Ends open watches and waits for what is being worked on. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await Promise.all(this.running);
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const call: Call = { verb: "other", user: undefined };
    let reply: ApiReply;
    try {
      reply = await this.answer(request, call, response);
    } catch (error) {
      reply = this.failure(error, request);
    }
    const code = reply.t === "lines" ? 200 : reply.code;
    this.metrics.requests.inc({ verb: call.verb, code: String(code) });
    if (request.method !== "GET" && request.method !== "HEAD") {
      const { method, url: target } = request;
      this.options.log.info("API request", { user: call.user ?? "", method, path: target?.split("?")[0], code });
    }
    try {
      await sendReply(request, response, reply, this.stopping.signal);
    } finally {
      if (call.verb === "watch" && reply.t === "lines") this.countWatch(-1);
    }
  }

  private async answer(request: IncomingMessage, call: Call, response: ServerResponse): Promise<ApiReply> {
    guardAgainstPages(request.headers, this.hostNames);
    const target = parseTarget(request.url ?? "");
    const path = `/${target.segments.join("/")}`;
    if (openPaths.has(path)) return this.openAnswer(path);
    const identity = await this.options.authenticator.authenticate(request);
    if (identity === undefined) throw new StatusError("unauthorized", "Unauthorized");
    call.user = identity.name;
    if (!isAdmin(identity)) {
      throw new StatusError("forbidden", `user ${JSON.stringify(identity.name)} may not use the configuration API`);
    }
    const route = resourceRoute(target.segments);
    if (route !== undefined) {
      const verb = resourceVerb(request.method ?? "", route, target.query);
      call.verb = verb;
      if (verb === "watch")
        return await this.admitWatch(() => this.options.resources.handle(verb, route, target.query, request));
      return await this.admit(() => this.options.resources.handle(verb, route, target.query, request));
    }
    const gone = new AbortController();
    response.once("close", () => gone.abort());
    const signal = AbortSignal.any([gone.signal, this.stopping.signal]);
    return await this.admit(() => this.answerOther(request, target, { identity, signal }));
  }

  private async answerOther(
    request: IncomingMessage,
    target: RequestTarget,
    caller: { identity: ApiIdentity; signal: AbortSignal },
  ): Promise<ApiReply> {
    const { kinds, version, pendingFields, extraRoutes } = this.options;
    const path = `/${target.segments.join("/")}`;
    const isRead = request.method === "GET" || request.method === "HEAD";
    if (isRead) {
      const discovery = discoveryReply(kinds, target.segments, request.headers.accept);
      if (discovery !== undefined) return discovery;
      if (path === apiPaths.version) return jsonReply(200, version);
      if (path === apiPaths.pendingFields) return jsonReply(200, pendingFields);
    }
    let pathKnown = false;
    for (const { method, path: pattern, handler } of extraRoutes) {
      const params = matchPattern(pattern, target.segments);
      if (params === undefined) continue;
      pathKnown = true;
      if (method !== request.method) continue;
      const question = request.url?.indexOf("?") ?? -1;
      const reply = await handler({
        method,
        params,
        query: target.query,
        rawQuery: question === -1 ? "" : (request.url ?? "").slice(question + 1),
        json: async () => parseJson(bodyText(await readBody(request, this.options.clock))),
        ...caller,
        accept: request.headers.accept ?? "",
        isLocal: isLoopback(request.socket.remoteAddress ?? ""),
      });
      const code = reply.code ?? 200;
      if ("stream" in reply) return { t: "stream", code, stream: reply.stream, contentType: reply.contentType };
      if ("text" in reply) return { t: "text", code, text: reply.text, contentType: reply.contentType };
      return jsonReply(code, reply.body);
    }
    if (pathKnown) throw new StatusError("notAllowed", `${path} does not take ${request.method}`);
    throw new StatusError("notFound", "the server could not find the requested resource");
  }

  private openAnswer(path: string): ApiReply {
    if (path !== "/version") return { t: "text", code: 200, text: "ok", contentType: "text/plain; charset=utf-8" };
    const { version } = this.options.version;
    // The release of Kubernetes' API machinery whose behaviour is served; clients compare it with their own.
    return jsonReply(200, { major: "1", minor: "34", gitVersion: `v1.34.0+lateen-${version}`, platform: "linux" });
  }

  private async admit(work: () => Promise<ApiReply>): Promise<ApiReply> {
    if (this.requests >= requestLimit) throw tooMany(`${requestLimit} requests are being worked on`);
    this.requests += 1;
    try {
      return await work();
    } finally {
      this.requests -= 1;
    }
  }

  private async admitWatch(work: () => Promise<ApiReply>): Promise<ApiReply> {
    if (this.watches >= watchLimit) throw tooMany(`${watchLimit} watches are open`);
    this.countWatch(1);
    try {
      return await work();
    } catch (error) {
      this.countWatch(-1);
      throw error;
    }
  }

  private countWatch(step: 1 | -1): void {
    this.watches += step;
    this.metrics.watches.set(this.watches);
  }

  private failure(error: unknown, request: IncomingMessage): ApiReply {
    const status = statusOf(error) ?? this.extraStatus(error);
    if (status !== undefined) return jsonReply(status.code, status);
    this.options.log.error("an API request failed", {
      method: request.method,
      path: request.url?.split("?")[0],
      error: describeError(error),
      stack: error instanceof Error ? error.stack : undefined,
    });
    return jsonReply(500, new StatusError("internal", "Internal error occurred: see the control plane's log").status);
  }

  private extraStatus(error: unknown): Status | undefined {
    if (!(error instanceof LateenError)) return undefined;
    const known = this.options.extraStatus?.(error);
    if (known === undefined) return undefined;
    const { message, code, remedy } = error;
    const details = { causes: [{ reason: code, message: remedy }] };
    return { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", message, details, ...known };
  }
}

interface Call {
  verb: string;
  user: string | undefined;
}

/** IPv4 mapped into IPv6 counts as the IPv4 address. */
function isLoopback(address: string): boolean {
  const bytes = parseIp(address);
  return bytes !== undefined && addressScope(bytes) === "loopback";
}

function tooMany(message: string): StatusError {
  return new StatusError("tooManyRequests", `too many requests, please try again later: ${message}`, {
    retryAfterSeconds: 1,
  });
}
