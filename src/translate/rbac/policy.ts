// AuthorizationPolicy.spec.rules[].from[].source, AuthorizationPolicy.spec.rules[].to[].operation, AuthorizationPolicy.spec.rules[].when → envoy.config.rbac.v3.Policy
import { create } from "@bufbuild/protobuf";
import {
  type Policy,
  PolicySchema,
  type RBAC,
  RBAC_Action,
  RBACSchema,
} from "../../../gen/envoy/config/rbac/v3/rbac_pb.ts";
import type { AuthorizationPolicy } from "../../config/authorization-policy/authorization-policy.ts";
import { isConditionCarriedOut, isSourceCarriedOut } from "../../config/authorization-policy/carried-out.ts";
import { headerOfKey } from "../../config/authorization-policy/condition.ts";
import type { Config } from "../../config/object.ts";
import { allPermissions, anyPermission, buildConditionPermission, buildOperation, needsHttp } from "./permission.ts";
import type { PolicyContext } from "./policy-context.ts";
import { allOf, anyPrincipal, buildConditionPrincipal, buildSource } from "./principal.ts";

type Rule = NonNullable<AuthorizationPolicy["rules"]>[number];

/**
 * The rules of all policies of one action, keyed as Istio keys them. Undefined where there is no policy: without ALLOW
 * policies everything is allowed.
 *
 * @param http false for TCP: an ALLOW rule that asks for HTTP never matches there, a DENY rule matches on the rest of it
 */
export function buildRules(
  configs: readonly Config<AuthorizationPolicy>[],
  action: "ALLOW" | "DENY",
  http: boolean,
  mesh: { trustDomain: string; trustDomainAliases: readonly string[] },
): RBAC | undefined {
  if (configs.length === 0) return undefined;
  const policies: Record<string, Policy> = {};
  for (const config of configs) {
    const context = { ...mesh, action, namespace: config.key.namespace };
    for (const [index, rule] of (config.spec.rules ?? []).entries()) {
      const kept = action === "ALLOW" ? withoutUnknown(rule, http) : rule;
      if (kept === undefined) continue;
      policies[`ns[${config.key.namespace}]-policy[${config.key.name}]-rule[${index}]`] = buildPolicy(
        kept,
        http,
        context,
      );
    }
  }
  return create(RBACSchema, { action: action === "DENY" ? RBAC_Action.DENY : RBAC_Action.ALLOW, policies });
}

/**
 * An ALLOW rule without the sources that proxies cannot tell apart; undefined where nothing of it would be left, or where
 * it hangs on something they cannot see. Leaving only the condition out would let everybody in.
 */
function withoutUnknown(rule: Rule, http: boolean): Rule | undefined {
  if (!http && asksForHttp(rule)) return undefined;
  if (!(rule.when ?? []).every(isConditionCarriedOut)) return undefined;
  const { from } = rule;
  if (from === undefined || from.length === 0) return rule;
  const known = from.filter(({ source }) => source === undefined || isSourceCarriedOut(source));
  return known.length === 0 ? undefined : { ...rule, from: known };
}

function asksForHttp(rule: Rule): boolean {
  return (
    (rule.to ?? []).some(({ operation }) => operation !== undefined && needsHttp(operation)) ||
    (rule.when ?? []).some(({ key }) => headerOfKey(key) !== undefined)
  );
}

function buildPolicy(rule: Rule, http: boolean, context: PolicyContext): Policy {
  const conditions = (rule.when ?? []).filter(({ key }) => http || headerOfKey(key) === undefined);
  const principalConditions = conditions
    .map((condition) => buildConditionPrincipal(condition, context))
    .filter((part) => part !== undefined);
  const permissionConditions = conditions.map(buildConditionPermission).filter((part) => part !== undefined);
  const sources = (rule.from ?? []).map(({ source }) =>
    source === undefined ? anyPrincipal : buildSource(source, context),
  );
  const operations = (rule.to ?? []).map(({ operation }) =>
    operation === undefined ? anyPermission : buildOperation(operation, http),
  );
  return create(PolicySchema, {
    principals: (sources.length === 0 ? [anyPrincipal] : sources).map((source) =>
      withConditions(source, principalConditions, anyPrincipal, allOf),
    ),
    permissions: (operations.length === 0 ? [anyPermission] : operations).map((operation) =>
      withConditions(operation, permissionConditions, anyPermission, allPermissions),
    ),
  });
}

function withConditions<T>(part: T, conditions: readonly T[], any: T, all: (parts: readonly T[]) => T): T {
  if (conditions.length === 0) return part;
  return all(part === any ? conditions : [part, ...conditions]);
}
