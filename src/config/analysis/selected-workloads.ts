// A selector must meet a workload.
import { type AnalyzedObject, analysisCodes, type Report } from "./analyzed-object.ts";
import { defineCheckOfEach } from "./check.ts";
import { carries, type Labels } from "./known-workloads.ts";
import type { MeshIndex } from "./mesh-index.ts";

/** Of their namespace, or of all in the root namespace. */
const policies = ["peerAuthentications", "authorizationPolicies", "requestAuthentications", "telemetries"] as const;

const workloadsOfPolicies = policies.map((of) =>
  defineCheckOfEach({
    of,
    reads: ["workloads"],
    find(on, { workloads }, { settings, report }) {
      const { spec, metadata } = on.object;
      const scope = metadata.namespace === settings.rootNamespace ? undefined : metadata.namespace;
      check(workloads, on, spec?.selector?.matchLabels, "spec.selector.matchLabels", scope, report);
    },
  }),
);

const workloadsOfRules = defineCheckOfEach({
  of: "destinationRules",
  reads: ["workloads"],
  find(on, { workloads }, { report }) {
    const { spec, metadata } = on.object;
    const labels = spec?.workloadSelector?.matchLabels;
    check(workloads, on, labels, "spec.workloadSelector.matchLabels", metadata.namespace, report);
  },
});

const workloadsOfServices = defineCheckOfEach({
  of: "serviceEntries",
  reads: ["workloads"],
  find(on, { workloads }, { report }) {
    const { spec, metadata } = on.object;
    const labels = spec?.workloadSelector?.labels;
    check(workloads, on, labels, "spec.workloadSelector.labels", metadata.namespace, report);
  },
});

export const selectedWorkloads = [...workloadsOfPolicies, workloadsOfRules, workloadsOfServices];

/** @param namespace undefined: workloads of all namespaces */
function check(
  known: MeshIndex["workloads"],
  on: AnalyzedObject,
  wanted: Labels | undefined,
  path: string,
  namespace: string | undefined,
  report: Report,
): void {
  if (wanted === undefined || Object.keys(wanted).length === 0) return;
  const scopes = namespace === undefined ? [...known.values()] : [known.get(namespace) ?? []];
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
