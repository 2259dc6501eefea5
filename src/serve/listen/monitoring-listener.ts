// Port 15014: metrics, health, readiness. Read only, no configuration content.
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Clock } from "../../kernel/clock.ts";
import type { Stoppable } from "../../kernel/lifecycle.ts";
import type { Metrics } from "../../kernel/metric.ts";
import { RequestPipelines } from "../../kernel/request-pipelines.ts";
import { SharedAnswer } from "../../kernel/shared-answer.ts";
import { openPort } from "./open-port.ts";

/** A page of metrics is given again for so long, milliseconds: making one is a pass over the mesh, and anyone may ask. */
const freshMs = 1_000;

export interface MonitoringOptions {
  host: string;
  port: number;
  metrics: Metrics;
  isReady: () => boolean;
  clock: Clock;
}

export class MonitoringListener implements Stoppable {
  private readonly server: Server;

  private constructor({ metrics, isReady, clock }: MonitoringOptions) {
    const pipelines = new RequestPipelines(clock);
    const page = new SharedAnswer({ make: async () => Buffer.from(await metrics.text()), freshMs, clock });
    this.server = createServer((request, response) => {
      if (!pipelines.take(request, response)) return;
      response.setHeader("x-content-type-options", "nosniff");
      if (request.method !== "GET" && request.method !== "HEAD") {
        response.writeHead(405).end();
        return;
      }
      switch (request.url?.split("?")[0]) {
        case "/healthz":
          response.end("ok\n");
          return;
        case "/readyz":
        case "/ready":
          response.writeHead(isReady() ? 200 : 503).end(isReady() ? "ready\n" : "the mesh is not loaded yet\n");
          return;
        case "/metrics":
          response.setHeader("content-type", "text/plain; version=0.0.4; charset=utf-8");
          page.get().then(
            (bytes) => response.end(bytes),
            () => response.writeHead(500).end(),
          );
          return;
        default:
          response.writeHead(404).end();
      }
    });
    this.server.headersTimeout = 10_000;
    this.server.requestTimeout = 10_000;
    this.server.maxConnections = 256;
  }

  /** @throws LateenError LAT2109 */
  static async listen(options: MonitoringOptions): Promise<MonitoringListener> {
    const listener = new MonitoringListener(options);
    await openPort(listener.server, options);
    return listener;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    const closed = once(this.server, "close");
    this.server.close();
    this.server.closeAllConnections();
    await closed;
  }
}
