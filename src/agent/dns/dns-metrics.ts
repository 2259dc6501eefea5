// Counters of the DNS server, under the names that Istio's agents use.
import type { Counter, Histogram, Metrics } from "../../kernel/metric.ts";

/** Why a question was not answered properly. */
export type DnsRefusal = "malformed" | "loop" | "in_flight_limit" | "connection_limit" | "no_table";

export interface DnsMetrics {
  readonly requests: Counter;
  readonly upstreamRequests: Counter;
  readonly upstreamFailures: Counter;
  readonly upstreamSeconds: Histogram;
  readonly refusals: Counter<"reason">;
}

export function createDnsMetrics(metrics: Metrics): DnsMetrics {
  return {
    requests: metrics.counter("dns_requests_total", "Total number of DNS requests."),
    upstreamRequests: metrics.counter(
      "dns_upstream_requests_total",
      "Total number of DNS requests forwarded to upstream.",
    ),
    upstreamFailures: metrics.counter(
      "dns_upstream_failures_total",
      "Total number of DNS requests to upstream that brought no usable answer.",
    ),
    upstreamSeconds: metrics.histogram(
      "dns_upstream_request_duration_seconds",
      "Time until upstream answered.",
      [0.001, 0.005, 0.01, 0.1, 1, 5],
    ),
    refusals: metrics.counter("lateen_dns_refusals_total", "DNS requests turned down by a limit or a check.", [
      "reason",
    ]),
  };
}
