// WorkloadGroup.spec.template.serviceAccount → the account that the group's machines run as.
import type { WorkloadGroup } from "./workload-group.ts";

/** Istio's service account of a WorkloadGroup that names none. */
const defaultServiceAccount = "default";

/** The one service account that machines of the group have: their tokens give it, and registration asks for it. */
export function serviceAccountOf(group: WorkloadGroup): string {
  const name = group.template.serviceAccount ?? "";
  return name === "" ? defaultServiceAccount : name;
}
