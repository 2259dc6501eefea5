// What Prometheus reads on a machine: Envoy's statistics and the agent's own, on one page.
import { fromUtf8 } from "../../kernel/bytes.ts";
import { describeError } from "../../kernel/error.ts";
import type { Log } from "../../kernel/log.ts";
import type { Counter, Metrics } from "../../kernel/metric.ts";
import { istioVersion } from "../bootstrap/node.ts";
import type { AdminClient } from "../envoy/admin-client.ts";
import { prefixAgentStats, renameIstioStats } from "./prometheus-names.ts";

export interface MetricsPageOptions {
  admin: AdminClient;
  metrics: Metrics;
  log: Log;
}

/** Prometheus' own scrape timeout is 10 s. */
const envoyTimeoutMs = 5_000;
/** Most that Envoy may print, bytes. */
const envoyLimitBytes = 64 << 20;

export class MetricsPage {
  private readonly options: MetricsPageOptions;
  private readonly scrapes: Counter;
  private readonly failures: Counter<"type">;

  constructor(options: MetricsPageOptions) {
    this.options = options;
    const { metrics } = options;
    this.scrapes = metrics.counter("scrapes_total", "Scrapes of the merged metrics.");
    this.failures = metrics.counter("scrape_failures_total", "Scrapes without a part, by part.", ["type"]);
  }

  /** Envoy's statistics with Istio's names; undefined where Envoy does not answer. */
  async envoy(): Promise<string | undefined> {
    const { admin, log } = this.options;
    try {
      const answer = await admin.ask({
        method: "GET",
        path: "/stats/prometheus",
        limitBytes: envoyLimitBytes,
        timeoutMs: envoyTimeoutMs,
      });
      if (answer.status === 200) return renameIstioStats(fromUtf8(answer.body));
      log.warn("Envoy's statistics were refused", { status: answer.status });
    } catch (error) {
      log.debug("Envoy's statistics could not be read", { error: describeError(error) });
    }
    this.failures.inc({ type: "envoy" });
    return undefined;
  }

  /** Envoy's statistics, as far as they can be had, and the agent's. */
  async merged(): Promise<string> {
    this.scrapes.inc();
    const envoy = (await this.envoy()) ?? "";
    const build = `# TYPE istio_build gauge\nistio_build{component="agent",tag="${istioVersion}"} 1\n`;
    const separator = envoy === "" || envoy.endsWith("\n") ? "" : "\n";
    return `${envoy}${separator}${build}${prefixAgentStats(await this.options.metrics.text())}`;
  }
}
