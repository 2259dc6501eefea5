// The authority's metrics, under the names Istio's has.
import type { Counter, Gauge, Metrics } from "../kernel/metric.ts";

export interface CaMetrics {
  readonly requests: Counter;
  readonly authenticationFailures: Counter;
  readonly unreadableRequests: Counter;
  readonly identityFailures: Counter;
  readonly signingFailures: Counter<"error">;
  readonly issued: Counter;
  readonly tooOften: Counter;
  readonly rootExpiryTimestamp: Gauge;
  readonly rootExpirySeconds: Gauge;
  readonly chainExpiryTimestamp: Gauge;
  readonly chainExpirySeconds: Gauge;
}

export function caMetrics(metrics: Metrics): CaMetrics {
  return {
    requests: metrics.counter("citadel_server_csr_count", "Certificate requests received."),
    authenticationFailures: metrics.counter(
      "citadel_server_authentication_failure_count",
      "Certificate requests whose sender proved no identity.",
    ),
    unreadableRequests: metrics.counter(
      "citadel_server_csr_parsing_err_count",
      "Certificate requests that could not be read or prove nothing.",
    ),
    identityFailures: metrics.counter(
      "citadel_server_id_extraction_err_count",
      "Certificate requests for an identity that is not issued here.",
    ),
    signingFailures: metrics.counter(
      "citadel_server_csr_sign_err_count",
      "Certificates that could not be signed, by the code of the error.",
      ["error"],
    ),
    issued: metrics.counter("citadel_server_success_cert_issuance_count", "Workload certificates issued."),
    tooOften: metrics.counter(
      "lateen_certificate_requests_too_often_total",
      "Certificate requests that were told to try again later, because their sender had asked too often.",
    ),
    rootExpiryTimestamp: metrics.gauge(
      "citadel_server_root_cert_expiry_timestamp",
      "End of the root certificate, seconds since 1970.",
    ),
    rootExpirySeconds: metrics.gauge(
      "citadel_server_root_cert_expiry_seconds",
      "Seconds until the root certificate ends; updated hourly.",
    ),
    chainExpiryTimestamp: metrics.gauge(
      "citadel_server_cert_chain_expiry_timestamp",
      "End of the issuing certificate, seconds since 1970.",
    ),
    chainExpirySeconds: metrics.gauge(
      "citadel_server_cert_chain_expiry_seconds",
      "Seconds until the issuing certificate ends; updated hourly.",
    ),
  };
}
