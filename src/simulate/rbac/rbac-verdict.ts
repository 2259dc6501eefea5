// envoy.config.rbac.v3.RBAC: let in or refused, and by which policy.
import {
  type Policy,
  PolicySchema,
  type RBAC,
  RBAC_Action,
  RBACSchema,
} from "../../../gen/envoy/config/rbac/v3/rbac_pb.ts";
import { simulateErrors } from "../errors.ts";
import { onlyFields } from "../known-fields.ts";
import { isPermitted } from "./permission.ts";
import { isPrincipal } from "./principal.ts";
import type { RbacCall } from "./rbac-call.ts";

export interface RbacVerdict {
  readonly allowed: boolean;
  readonly action: "ALLOW" | "DENY";
  /** Key of the policy that matched; undefined where none did. */
  readonly policy: string | undefined;
}

const knownFields = new Set(["action", "policies"]);
const knownPolicyFields = new Set(["permissions", "principals"]);

/**
 * Envoy tries policies in order of their keys.
 *
 * @throws LateenError LAT2201 for other actions, and for policies with conditions in CEL
 */
export function rbacVerdict(rules: RBAC, call: RbacCall): RbacVerdict {
  onlyFields(RBACSchema, rules, knownFields);
  if (rules.action !== RBAC_Action.ALLOW && rules.action !== RBAC_Action.DENY) {
    throw simulateErrors.cannotSimulate(`cannot simulate RBAC action ${rules.action}`);
  }
  const action = rules.action === RBAC_Action.ALLOW ? "ALLOW" : "DENY";
  const policy = Object.keys(rules.policies)
    .sort()
    .find((key) => {
      const candidate = rules.policies[key];
      return candidate !== undefined && isMatch(candidate, call);
    });
  return { allowed: (policy !== undefined) === (action === "ALLOW"), action, policy };
}

function isMatch(policy: Policy, call: RbacCall): boolean {
  onlyFields(PolicySchema, policy, knownPolicyFields);
  return (
    policy.permissions.some((permission) => isPermitted(permission, call)) &&
    policy.principals.some((principal) => isPrincipal(principal, call))
  );
}
