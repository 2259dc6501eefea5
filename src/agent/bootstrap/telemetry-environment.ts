// What Envoy's metrics say of its own workload, through its environment: outbound listeners are shared by many proxies, so
// their labels cannot be in the configuration. The names are those that src/translate/telemetry reads.
import type { NodeInput } from "./node.ts";

const unknown = "unknown";

/** Environment variables of Envoy. Labels that change later are taken up when Envoy starts again. */
export function telemetryEnvironment(node: NodeInput): Record<string, string> {
  const { labels, group, name, namespace, clusterId } = node;
  const workload = group === "" ? name : group;
  const canonicalService = labels["service.istio.io/canonical-name"] ?? labels["app"] ?? workload;
  const canonicalRevision = labels["service.istio.io/canonical-revision"] ?? labels["version"] ?? "latest";
  const app = labels["app"] ?? unknown;
  const version = labels["version"] ?? unknown;
  const cluster = clusterId === "" ? unknown : clusterId;
  return {
    LATEEN_WORKLOAD: workload,
    LATEEN_NAMESPACE: namespace,
    LATEEN_CANONICAL_SERVICE: canonicalService,
    LATEEN_CANONICAL_REVISION: canonicalRevision,
    LATEEN_APP: app,
    LATEEN_VERSION: version,
    LATEEN_CLUSTER: cluster,
    // Label values cannot hold a semicolon.
    LATEEN_PEER: [workload, canonicalService, canonicalRevision, app, version, cluster].join(";"),
  };
}
