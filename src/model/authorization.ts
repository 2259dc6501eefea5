// AuthorizationPolicy.spec.selector, MeshConfig.rootNamespace → the workloads that have the policy
//
// The AuthorizationPolicies that hold for one workload.
import type { AuthorizationPolicy } from "../config/authorization-policy/authorization-policy.ts";
import { isTargetCarriedOut } from "../config/authorization-policy/carried-out.ts";
import type { Config } from "../config/object.ts";
import { matchesLabels } from "../config/selector.ts";

export interface AuthorizationView {
  /**
   * Sorted by namespace and name. A CUSTOM policy is among them: its provider cannot be asked yet, and what it was to
   * decide must not pass undecided.
   */
  readonly deny: readonly Config<AuthorizationPolicy>[];
  readonly allow: readonly Config<AuthorizationPolicy>[];
}

/** Istio's annotation: evaluated for metrics only, never enforced. */
function isDryRun(config: Config<AuthorizationPolicy>): boolean {
  return config.meta.annotations?.["istio.io/dry-run"] === "true";
}

/** Policies of the root namespace hold for every namespace. AUDIT has no effect yet. */
export function authorizationFor(
  policies: readonly Config<AuthorizationPolicy>[],
  labels: Readonly<Record<string, string>>,
): AuthorizationView {
  const selected = policies
    .filter((config) => isTargetCarriedOut(config.spec) && !isDryRun(config))
    .filter((config) => matchesLabels(config.spec.selector?.matchLabels, labels))
    .sort((a, b) => (`${a.key.namespace}/${a.key.name}` < `${b.key.namespace}/${b.key.name}` ? -1 : 1));
  return {
    deny: selected.filter((config) => config.spec.action === "DENY" || config.spec.action === "CUSTOM"),
    allow: selected.filter((config) => (config.spec.action ?? "ALLOW") === "ALLOW"),
  };
}
