// A small HTTP server for what the agent tells about itself: metrics and readiness. Read only.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Clock } from "../../kernel/clock.ts";
import { describeError } from "../../kernel/error.ts";
import type { Stoppable } from "../../kernel/lifecycle.ts";
import type { Log } from "../../kernel/log.ts";
import { RequestPipelines } from "../../kernel/request-pipelines.ts";
import { agentErrors } from "../errors.ts";

export interface StatusAnswer {
  status: number;
  contentType: string;
  /** Bytes where many are sent the same. */
  body: string | Uint8Array;
}

/** Answers by path; `fromHere` is true for callers on this machine. */
export type StatusRoutes = ReadonlyMap<string, (fromHere: boolean) => Promise<StatusAnswer>>;

/** Prometheus text format. */
export const prometheusType = "text/plain; version=0.0.4; charset=utf-8";

/** Scrapers and load balancers keep a few connections each. */
const connectionLimit = 128;
/** Most answers in the making: a page of metrics can take tens of megabytes. */
const concurrencyLimit = 8;
/** Longest time for a request's headers, milliseconds. */
const headersTimeoutMs = 5_000;
const requestTimeoutMs = 10_000;

export class StatusServer implements Stoppable {
  private readonly server: Server;
  private readonly routes: StatusRoutes;
  private readonly log: Log;
  private readonly pipelines: RequestPipelines;
  private busy = 0;

  constructor(routes: StatusRoutes, { log, clock }: { log: Log; clock: Clock }) {
    this.routes = routes;
    this.log = log;
    this.pipelines = new RequestPipelines(clock);
    this.server = createServer(
      { headersTimeout: headersTimeoutMs, requestTimeout: requestTimeoutMs, maxHeaderSize: 16 << 10 },
      (request, response) => void this.handle(request, response),
    );
    this.server.maxConnections = connectionLimit;
    this.server.maxRequestsPerSocket = 0;
  }

  /**
   * @param port 0 takes a free one
   * @returns the port
   * @throws LateenError LAT4209
   */
  listen(host: string, port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.server.once("error", (cause) => {
        reject(agentErrors.portTaken(`cannot listen on ${host}:${port}: ${describeError(cause)}`, { cause }));
      });
      this.server.listen(port, host, () => resolve((this.server.address() as AddressInfo).port));
    });
  }

  stop(): Promise<void> {
    return new Promise((resolve) => {
      this.server.close(() => resolve());
      this.server.closeAllConnections();
    });
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!this.pipelines.take(request, response)) return;
    request.resume();
    response.setHeader("x-content-type-options", "nosniff");
    const route = this.routes.get((request.url ?? "").split("?", 1)[0] ?? "");
    if (route === undefined) {
      send(response, { status: 404, contentType: "text/plain", body: "not found\n" });
    } else if (request.method !== "GET" && request.method !== "HEAD") {
      send(response, { status: 405, contentType: "text/plain", body: "only GET\n" });
    } else if (this.busy >= concurrencyLimit) {
      send(response, { status: 503, contentType: "text/plain", body: "too many requests at once\n" });
    } else {
      this.busy += 1;
      try {
        send(response, await route(isLoopback(request.socket.remoteAddress ?? "")));
      } catch (error) {
        this.log.warn("a status page failed", { path: request.url, error: describeError(error) });
        send(response, { status: 500, contentType: "text/plain", body: "internal error\n" });
      } finally {
        this.busy -= 1;
      }
    }
  }
}

/** All of 127.0.0.0/8, also as an IPv6 socket shows it (RFC 4291 section 2.5.5.2). */
function isLoopback(address: string): boolean {
  return address === "::1" || /^(?:::ffff:)?127\./.test(address);
}

function send(response: ServerResponse, answer: StatusAnswer): void {
  response.writeHead(answer.status, {
    "content-type": answer.contentType,
    "content-length": Buffer.byteLength(answer.body),
  });
  response.end(answer.body);
}
