// The server's metrics, with Istio's names where the meaning is Istio's (pilot/pkg/xds/monitoring.go).
import type { Counter, Gauge, Histogram, Metrics } from "../../kernel/metric.ts";

/** Versions of proxies that get a series of their own; the rest are counted as "other". */
const versionLimit = 32;

/** Limits that can be hit, as the label spells them. */
export type LimitName =
  | "names"
  | "types"
  | "streams"
  | "waiting"
  | "identity"
  | "certificate"
  | "requests"
  | "request_bytes";

export interface AdsMetrics {
  readonly clients: Gauge<"version">;
  readonly pushes: Counter<"type">;
  readonly pushSeconds: Histogram<"type">;
  readonly sendSeconds: Histogram;
  readonly queueSeconds: Histogram;
  readonly convergenceSeconds: Histogram;
  readonly configBytes: Histogram<"type">;
  readonly rejects: Counter<"type">;
  readonly expiredNonces: Counter<"type">;
  readonly writeTimeouts: Counter;
  readonly internalErrors: Counter;
  readonly limitHits: Counter<"limit">;
  /** The label of a proxy's version. */
  versionLabel(version: string | undefined): string;
}

/** @param rejecting how many proxies reject something of the type, or are kept from what others reject */
export function createAdsMetrics(metrics: Metrics, rejecting: (typeName: string) => number): AdsMetrics {
  const seconds = [0.1, 0.5, 1, 3, 5, 10, 20, 30];
  const fineSeconds = [0.01, 0.1, 1, 3, 5, 10, 20, 30];
  const versions = new Set<string>();
  for (const name of ["cds", "eds", "lds", "rds"]) {
    const help = `Proxies with ${name.toUpperCase()} resources that they reject, or that are kept from them because others do.`;
    metrics.readGauge(`pilot_xds_${name}_reject`, help, [], () => [[{}, rejecting(name)]]);
  }
  return {
    clients: metrics.gauge("pilot_xds", "Proxies connected to this control plane by xDS.", ["version"]),
    pushes: metrics.counter("pilot_xds_pushes", "Messages of resources sent to proxies.", ["type"]),
    pushSeconds: metrics.histogram(
      "pilot_xds_push_time",
      "Seconds from taking up a push until the last byte was handed to the connection.",
      fineSeconds,
      ["type"],
    ),
    sendSeconds: metrics.histogram("pilot_xds_send_time", "Seconds it took to hand one message over.", fineSeconds),
    queueSeconds: metrics.histogram("pilot_proxy_queue_time", "Seconds a proxy waited in the push queue.", seconds),
    convergenceSeconds: metrics.histogram(
      "pilot_proxy_convergence_time",
      "Seconds from a change until a proxy acknowledged all of it.",
      seconds,
    ),
    configBytes: metrics.histogram(
      "pilot_xds_config_size_bytes",
      "Size of the messages sent to proxies, bytes.",
      [1, 10_000, 1_000_000, 4_000_000, 10_000_000, 40_000_000],
      ["type"],
    ),
    rejects: metrics.counter("pilot_total_xds_rejects", "Messages that proxies rejected.", ["type"]),
    expiredNonces: metrics.counter("pilot_xds_expired_nonce", "Requests with a nonce that is not the last one sent.", [
      "type",
    ]),
    writeTimeouts: metrics.counter("pilot_xds_write_timeout", "Streams cut because the proxy did not read."),
    internalErrors: metrics.counter("pilot_total_xds_internal_errors", "Streams ended by a defect."),
    limitHits: metrics.counter("lateen_xds_limit_hits_total", "Times a limit of a stream was reached.", ["limit"]),
    versionLabel(version) {
      if (version === undefined || !/^[\w.+-]{1,64}$/.test(version)) return "unknown";
      if (!versions.has(version) && versions.size >= versionLimit) return "other";
      versions.add(version);
      return version;
    },
  };
}
