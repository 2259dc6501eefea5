// Metrics of the configuration API. Verbs and codes are fixed sets.
import type { Counter, Gauge, Metrics } from "../../kernel/metric.ts";

export class ApiMetrics {
  readonly requests: Counter<"verb" | "code">;
  readonly watches: Gauge;

  constructor(metrics: Metrics) {
    this.requests = metrics.counter("lateen_api_requests_total", "Requests of the configuration API.", [
      "verb",
      "code",
    ]);
    this.watches = metrics.gauge("lateen_api_watches", "Watches of the configuration API that are open.");
  }
}
