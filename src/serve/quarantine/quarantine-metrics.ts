// What is set aside, in numbers.
import type { Counter, Gauge, Metrics } from "../../kernel/metric.ts";

export interface QuarantineMetrics {
  readonly resources: Gauge<"type">;
  readonly objects: Gauge;
  readonly limitHits: Counter<"limit">;
}

export function quarantineMetrics(metrics: Metrics): QuarantineMetrics {
  return {
    resources: metrics.gauge(
      "lateen_quarantined_resources",
      "Resources, or parts of them, that are set aside because proxies reject them.",
      ["type"],
    ),
    objects: metrics.gauge(
      "lateen_set_aside_objects",
      "Objects that are left out of the mesh, because what they make cannot be computed.",
    ),
    limitHits: metrics.counter(
      "lateen_quarantine_limit_hits_total",
      "Rejections that were left to the stream that made them, because a bound was reached.",
      ["limit"],
    ),
  };
}
