// Everything that decides one cluster's load assignment.
import { matchesLabels } from "../config/selector.ts";
import { type ClusterName, outboundClusterName } from "./cluster-name.ts";
import type { HostRules } from "./destination-rule.ts";
import type { Endpoint, ServiceEndpoints } from "./endpoint.ts";
import type { Service } from "./service.ts";
import type { SourceRef } from "./source-ref.ts";

/** One endpoint as one port of one service sees it. */
export interface EndpointView {
  readonly endpoint: Endpoint;
  readonly port: number;
  readonly mtls: boolean;
}

export interface LoadAssignmentView {
  readonly cluster: ClusterName;
  /** Sorted by locality, within it by workload uid. */
  readonly endpoints: readonly EndpointView[];
  readonly sources: readonly SourceRef[];
}

/** For each port alone and with each subset, where the service is resolved statically; empty otherwise. */
export function loadAssignmentViews(
  service: Service,
  endpoints: ServiceEndpoints | undefined,
  rules: HostRules,
): LoadAssignmentView[] {
  if (service.resolution !== "static") return [];
  const views: LoadAssignmentView[] = [];
  for (const port of service.ports) {
    const all = (endpoints?.endpoints ?? []).map((endpoint) => ({
      endpoint,
      port: endpoint.ports[port.number] ?? port.targetPort,
      mtls: endpoint.mtlsPorts.includes(port.number),
    }));
    all.sort(byLocality);
    views.push({ cluster: outboundClusterName(service.host, port.number), endpoints: all, sources: service.sources });
    for (const subset of rules.subsets) {
      views.push({
        cluster: outboundClusterName(service.host, port.number, subset.name),
        endpoints: all.filter(({ endpoint }) => matchesLabels(subset.labels, endpoint.workload.labels)),
        sources: service.sources,
      });
    }
  }
  return views;
}

function byLocality(a: EndpointView, b: EndpointView): number {
  const [x, y] = [a.endpoint.workload, b.endpoint.workload];
  return x.locality === y.locality ? (x.uid < y.uid ? -1 : 1) : x.locality < y.locality ? -1 : 1;
}
