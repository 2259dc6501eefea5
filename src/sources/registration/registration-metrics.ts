// Metrics of registration, under the names Istio's has.
import type { Counter, Gauge, Metrics } from "../../kernel/metric.ts";

export interface RegistrationMetrics {
  readonly registered: Counter;
  readonly updated: Counter;
  readonly disconnected: Counter;
  readonly removed: Counter;
  readonly refused: Counter;
  readonly machines: Gauge;
  readonly waiting: Gauge;
}

export function registrationMetrics(metrics: Metrics): RegistrationMetrics {
  return {
    registered: metrics.counter("auto_registration_success_total", "Machines registered for the first time."),
    updated: metrics.counter("auto_registration_updates_total", "Connections of machines that were registered before."),
    disconnected: metrics.counter("auto_registration_unregister_total", "Machines whose last connection ended."),
    removed: metrics.counter("auto_registration_deletes_total", "WorkloadEntries removed after the grace period."),
    refused: metrics.counter("auto_registration_errors_total", "Machines whose registration was refused."),
    machines: metrics.gauge("lateen_registered_machines", "Machines that are registered now."),
    waiting: metrics.gauge(
      "lateen_unregistered_machines",
      "Connected machines that are not registered because another one has their name or address.",
    ),
  };
}
