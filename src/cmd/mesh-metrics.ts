// Gauges of the mesh and of this process, with Istio's names (pilot/pkg/xds/monitoring.go, pilot/pkg/model/push_context.go).
// All of them are read at a scrape, from what is there already.
import type { Collection } from "../collection/collection.ts";
import type { Config } from "../config/object.ts";
import type { Clock } from "../kernel/clock.ts";
import type { Metrics } from "../kernel/metric.ts";
import type { Mesh } from "../model/mesh.ts";

export interface MeshMetricsParts {
  configs: Collection<Config>;
  mesh: Pick<Mesh, "services" | "endpoints" | "workloads" | "destinationRules">;
  clock: Clock;
  version: string;
  /** Objects with a finding of the analysis, by its code. */
  findings: () => ReadonlyMap<string, number>;
}

export function meshMetrics(metrics: Metrics, { configs, mesh, clock, version, findings }: MeshMetricsParts): void {
  const gauge = (name: string, help: string, read: () => number): void =>
    metrics.readGauge(name, help, [], () => [[{}, read()]]);
  gauge("pilot_services", "Services of the mesh.", () => mesh.services.size);
  gauge("pilot_virt_services", "VirtualServices.", () =>
    count(configs.values(), (config) => config.key.kind === "VirtualService"),
  );
  gauge("pilot_eds_no_instances", "Ports of services with static endpoints that have none.", () => {
    let clusters = 0;
    for (const [key, service] of mesh.services.entries()) {
      if (service.resolution === "static" && (mesh.endpoints.get(key)?.endpoints.length ?? 0) === 0) {
        clusters += service.ports.length;
      }
    }
    return clusters;
  });
  gauge("pilot_endpoint_not_ready", "Workloads that are not healthy.", () =>
    count(mesh.workloads.values(), (workload) => !workload.healthy),
  );
  gauge("pilot_destrule_subsets", "Subsets that several DestinationRules of one host name.", () => {
    let duplicates = 0;
    for (const rules of mesh.destinationRules.values()) {
      if (rules.length < 2) continue;
      const names = rules.flatMap((rule) => (rule.spec.subsets ?? []).map((subset) => subset.name));
      duplicates += names.length - new Set(names).size;
    }
    return duplicates;
  });
  gauge("pilot_vservice_dup_domain", "VirtualServices with a host that another one claims, too.", () => {
    return findings().get("IST0109") ?? 0;
  });
  metrics.readGauge(
    "lateen_analysis_objects",
    "Objects with a finding, by its code: what lateen describe shows of them.",
    ["code"],
    () => [...findings()].map(([code, objects]) => [{ code }, objects] as const),
  );
  const startMs = clock.monotonic();
  gauge(
    "istiod_uptime_seconds",
    "Seconds since the control plane started.",
    () => (clock.monotonic() - startMs) / 1000,
  );
  metrics.gauge("pilot_info", "Version of the control plane; always 1.", ["version"]).set({ version }, 1);
  const build = metrics.gauge("istio_build", "Version of this component; always 1.", ["component", "tag"]);
  build.set({ component: "pilot", tag: version }, 1);
}

function count<T>(values: Iterable<T>, fits: (value: T) => boolean): number {
  let found = 0;
  for (const value of values) if (fits(value)) found += 1;
  return found;
}
