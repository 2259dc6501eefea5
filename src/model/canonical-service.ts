// Istio's canonical service and revision of a workload, by which metrics gather workloads.

type Labels = Readonly<Record<string, string>>;

/** @param workload name of the workload, where no label says more */
export function canonicalService(labels: Labels, workload: string): string {
  return labels["service.istio.io/canonical-name"] ?? labels["app.kubernetes.io/name"] ?? labels["app"] ?? workload;
}

export function canonicalRevision(labels: Labels): string {
  return (
    labels["service.istio.io/canonical-revision"] ??
    labels["app.kubernetes.io/version"] ??
    labels["version"] ??
    "latest"
  );
}
