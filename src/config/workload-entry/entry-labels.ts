// WorkloadEntry.metadata.labels, WorkloadEntry.spec.labels → the labels that selectors and subsets see.
import type { WorkloadEntry } from "./workload-entry.ts";

/** Both together; where they contradict each other, the metadata holds, as in Istio. */
export function entryLabels(
  metadata: { readonly labels?: Readonly<Record<string, string>> },
  spec: Pick<WorkloadEntry, "labels"> | undefined,
): Readonly<Record<string, string>> {
  return { ...spec?.labels, ...metadata.labels };
}
