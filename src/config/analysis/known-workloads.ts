// What machines and entries are labelled with.
import { entryLabels } from "../workload-entry/entry-labels.ts";
import type { WorkloadGroup } from "../workload-group/workload-group.ts";
import type { AnalyzedObject } from "./analyzed-object.ts";
import { pushTo } from "./grouped.ts";
import type { AnalyzedEndpoint } from "./object-lists.ts";

export type Labels = Readonly<Record<string, string>>;

/** Objects that are indexed before it yields. */
const objectsPerStep = 1_000;

/** @returns labels of each, by namespace */
export function* indexWorkloads(
  entries: readonly AnalyzedObject<AnalyzedEndpoint>[],
  groups: readonly AnalyzedObject<WorkloadGroup>[],
): Generator<void, Map<string, Labels[]>, void> {
  const workloads = new Map<string, Labels[]>();
  for (const [at, { object }] of entries.entries()) {
    if (at % objectsPerStep === objectsPerStep - 1) yield;
    pushTo(workloads, object.metadata.namespace, entryLabels(object.metadata, object.spec));
  }
  // Machines that will join carry at least their group's labels.
  for (const { object } of groups) {
    pushTo(workloads, object.metadata.namespace, { ...object.spec?.template.labels, ...object.spec?.metadata?.labels });
  }
  return workloads;
}

/** True where `labels` hold all of `wanted`. */
export function carries(labels: Labels, wanted: Labels): boolean {
  return Object.entries(wanted).every(([key, value]) => labels[key] === value);
}
