// Everything that decides one cluster's load assignment.
import { type ClusterName, outboundClusterName } from "./cluster-name.ts";
import { type HostRules, policyFor } from "./destination-rule.ts";
import { discoveryOf } from "./discovery.ts";
import type { ServiceEndpoints } from "./endpoint.ts";
import { type EndpointView, endpointViews } from "./endpoint-view.ts";
import type { Service } from "./service.ts";
import { type SourceRef, sourceRefOf } from "./source-ref.ts";

export interface LoadAssignmentView {
  readonly cluster: ClusterName;
  /** Sorted by locality, within it by workload uid. */
  readonly endpoints: readonly EndpointView[];
  readonly sources: readonly SourceRef[];
}

/** For each port alone and with each subset, as far as their clusters are EDS clusters. */
export function loadAssignmentViews(
  service: Service,
  endpoints: ServiceEndpoints | undefined,
  rules: HostRules,
): LoadAssignmentView[] {
  const views: LoadAssignmentView[] = [];
  for (const port of service.ports) {
    for (const subset of [undefined, ...rules.subsets]) {
      const policy = policyFor(rules.trafficPolicy, subset?.trafficPolicy, port.number);
      if (discoveryOf(service, policy) !== "eds") continue;
      views.push({
        cluster: outboundClusterName(service.host, port.number, subset?.name),
        endpoints: endpointViews(port, subset?.labels, endpoints, "eds"),
        sources: subset === undefined ? service.sources : [...service.sources, ...rules.rules.map(sourceRefOf)],
      });
    }
  }
  return views;
}
