// A selector must meet a workload.
import { type AnalyzedObject, analysisCodes, type Report } from "./analyzed-object.ts";
import { carries, type Labels, type MeshIndex } from "./mesh-index.ts";

/** Kinds whose `spec.selector.matchLabels` chooses workloads: of their namespace, or of all in the root namespace. */
const policyKinds: ReadonlySet<string> = new Set([
  "PeerAuthentication",
  "AuthorizationPolicy",
  "RequestAuthentication",
  "Telemetry",
]);

export function checkSelectedWorkloads(index: MeshIndex, rootNamespace: string, report: Report): void {
  for (const on of index.others) {
    if (!policyKinds.has(on.kind.kind)) continue;
    const spec = on.object.spec as { selector?: { matchLabels?: Labels } } | undefined;
    const scope = on.object.metadata.namespace === rootNamespace ? undefined : on.object.metadata.namespace;
    check(index, on, spec?.selector?.matchLabels, "spec.selector.matchLabels", scope, report);
  }
  for (const on of index.destinationRules) {
    const { spec, metadata } = on.object;
    const labels = spec?.workloadSelector?.matchLabels;
    check(index, on, labels, "spec.workloadSelector.matchLabels", metadata.namespace, report);
  }
  for (const on of index.serviceEntries) {
    const { spec, metadata } = on.object;
    check(index, on, spec?.workloadSelector?.labels, "spec.workloadSelector.labels", metadata.namespace, report);
  }
}

/** @param namespace undefined: workloads of all namespaces */
function check(
  index: MeshIndex,
  on: AnalyzedObject,
  wanted: Labels | undefined,
  path: string,
  namespace: string | undefined,
  report: Report,
): void {
  if (wanted === undefined || Object.keys(wanted).length === 0) return;
  const scopes = namespace === undefined ? [...index.workloads.values()] : [index.workloads.get(namespace) ?? []];
  if (scopes.some((workloads) => workloads.some((labels) => carries(labels, wanted)))) return;
  const text = Object.entries(wanted).map(([key, value]) => `${key}=${value}`);
  const place = namespace === undefined ? "" : ` of namespace ${namespace}`;
  report({
    on,
    code: analysisCodes.noWorkloads,
    path,
    message: `no WorkloadGroup or WorkloadEntry${place} carries ${text.join(",")}`,
    missing: `WorkloadGroup or WorkloadEntry${place} with ${text.join(",")}`,
    remedy: "Correct the labels, or create the WorkloadGroup.",
  });
}
