// What Prometheus reads on a machine: Envoy's statistics and the agent's own, on one page.
import { concatBytes, fromUtf8, utf8 } from "../../kernel/bytes.ts";
import type { Clock } from "../../kernel/clock.ts";
import { describeError } from "../../kernel/error.ts";
import type { Log } from "../../kernel/log.ts";
import type { Counter, Metrics } from "../../kernel/metric.ts";
import { SharedAnswer } from "../../kernel/shared-answer.ts";
import { istioVersion } from "../bootstrap/node.ts";
import type { AdminClient } from "../envoy/admin-client.ts";
import { prefixAgentStats, renameIstioStats } from "./prometheus-names.ts";

export interface MetricsPageOptions {
  admin: AdminClient;
  metrics: Metrics;
  log: Log;
  clock: Clock;
}

/** A page is given again for so long, milliseconds: Envoy's can be megabytes, and anyone on the network may ask. */
const freshMs = 1_000;

/** Prometheus' own scrape timeout is 10 s. */
const envoyTimeoutMs = 5_000;
/** Most that Envoy may print, bytes. */
const envoyLimitBytes = 64 << 20;
const newline = 0x0a;

export class MetricsPage {
  private readonly options: MetricsPageOptions;
  private readonly scrapes: Counter;
  private readonly failures: Counter<"type">;
  private readonly envoyBytes: SharedAnswer<Uint8Array | undefined>;
  private readonly mergedBytes: SharedAnswer<Uint8Array>;

  constructor(options: MetricsPageOptions) {
    this.options = options;
    const { metrics, clock } = options;
    const fresh = { freshMs, clock };
    this.envoyBytes = new SharedAnswer({ make: () => this.readEnvoy(), ...fresh });
    this.mergedBytes = new SharedAnswer({ make: () => this.merge(), ...fresh });
    this.scrapes = metrics.counter("scrapes_total", "Scrapes of the merged metrics.");
    this.failures = metrics.counter("scrape_failures_total", "Scrapes without a part, by part.", ["type"]);
  }

  /** Envoy's statistics with Istio's names, UTF-8; undefined where Envoy does not answer. */
  envoy(): Promise<Uint8Array | undefined> {
    return this.envoyBytes.get();
  }

  /** Envoy's statistics, as far as they can be had, and the agent's; UTF-8. */
  merged(): Promise<Uint8Array> {
    this.scrapes.inc();
    return this.mergedBytes.get();
  }

  private async readEnvoy(): Promise<Uint8Array | undefined> {
    const { admin, log } = this.options;
    try {
      const answer = await admin.ask({
        method: "GET",
        path: "/stats/prometheus",
        limitBytes: envoyLimitBytes,
        timeoutMs: envoyTimeoutMs,
      });
      if (answer.status === 200) return utf8(renameIstioStats(fromUtf8(answer.body)));
      log.warn("Envoy's statistics were refused", { status: answer.status });
    } catch (error) {
      log.debug("Envoy's statistics could not be read", { error: describeError(error) });
    }
    this.failures.inc({ type: "envoy" });
    return undefined;
  }

  private async merge(): Promise<Uint8Array> {
    const envoy = (await this.envoyBytes.get()) ?? new Uint8Array();
    const build = `# TYPE istio_build gauge\nistio_build{component="agent",tag="${istioVersion}"} 1\n`;
    const separator = envoy.length === 0 || envoy.at(-1) === newline ? "" : "\n";
    const own = `${separator}${build}${prefixAgentStats(await this.options.metrics.text())}`;
    return concatBytes([envoy, utf8(own)]);
  }
}
