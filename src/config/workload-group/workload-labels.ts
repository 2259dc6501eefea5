// The labels a machine of a WorkloadGroup has, before it says anything itself.
import type { WorkloadGroup } from "./workload-group.ts";

const canonicalName = "service.istio.io/canonical-name";
const canonicalRevision = "service.istio.io/canonical-revision";
/** Where Istio looks for the canonical name and revision, in this order. */
const nameLabels = [canonicalName, "app.kubernetes.io/name", "app"];
const revisionLabels = [canonicalRevision, "app.kubernetes.io/version", "version"];

/** Labels of the template, and over them those of `spec.metadata`. */
export function groupLabels(group: WorkloadGroup): Record<string, string> {
  return { ...group.template.labels, ...group.metadata?.labels };
}

/** Adds Istio's canonical name and revision, by which telemetry names a workload, where they are missing. */
export function withCanonicalLabels(
  labels: Readonly<Record<string, string>>,
  groupName: string,
): Record<string, string> {
  const first = (names: readonly string[]): string | undefined =>
    names.map((name) => labels[name]).find((value) => value !== undefined && value !== "");
  return {
    ...labels,
    // A group's name may be longer than a label's value.
    [canonicalName]: first(nameLabels) ?? groupName.slice(0, 63).replace(/[^A-Za-z0-9]+$/, ""),
    [canonicalRevision]: first(revisionLabels) ?? "latest",
  };
}
