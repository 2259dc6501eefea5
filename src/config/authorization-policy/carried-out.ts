// Which conditions of a policy proxies look at. A condition that is left out makes its rule match more calls: harmless
// in DENY, an open door in ALLOW. Whoever builds ALLOW rules must drop a source or a rule that is not carried out.
import type { AuthorizationPolicy } from "./authorization-policy.ts";
import { type Condition, isCarriedOutKey } from "./condition.ts";
import type { Source } from "./source.ts";

const pendingFields = ["requestPrincipals", "notRequestPrincipals", "remoteIpBlocks", "notRemoteIpBlocks"] as const;

/** False where the source holds for fewer callers than proxies can tell apart. */
export function isSourceCarriedOut(source: Source): boolean {
  return pendingFields.every((field) => (source[field]?.length ?? 0) === 0);
}

/** False where proxies do not look at the attribute. */
export function isConditionCarriedOut(condition: Condition): boolean {
  return isCarriedOutKey(condition.key);
}

/** False where the policy is for an object that no sidecar stands for: it must not fall on the whole namespace instead. */
export function isTargetCarriedOut(policy: AuthorizationPolicy): boolean {
  return policy.targetRef === undefined && (policy.targetRefs?.length ?? 0) === 0;
}
