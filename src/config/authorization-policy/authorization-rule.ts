// Rule: who may do what under which conditions (istio.security.v1beta1.Rule).
import { list, object, type Rule, type SpecOf } from "../schema.ts";
import type { At, Report } from "../virtual-service/finding.ts";
import { checkCondition, conditionSchema } from "./condition.ts";
import { checkOperation, operationSchema } from "./operation.ts";
import { checkSource, sourceSchema } from "./source.ts";

/** Most callers of one rule, and most rules of one policy, as the CRD has it. */
export const ruleListLimit = 512;

const notEmpty: Rule<unknown[]> = {
  message: "must not be empty; leave it out to match everything",
  test: (entries) => entries.length > 0,
};

function needs(field: "source" | "operation"): Rule<Record<string, unknown>> {
  return { message: `${field} is needed`, at: field, test: (value) => value[field] !== undefined };
}

export const authorizationRuleSchema = object(
  {
    from: list(
      object({ source: sourceSchema }, { description: "One description of the caller.", rules: [needs("source")] }),
      {
        description: "Callers the rule is for; one entry suffices. Without any, all callers, identified or not.",
        maxItems: ruleListLimit,
        rules: [notEmpty],
      },
    ),
    to: list(
      object(
        { operation: operationSchema },
        { description: "One description of the request.", rules: [needs("operation")] },
      ),
      {
        description: "Requests the rule is for; one entry suffices. Without any, all requests.",
        rules: [notEmpty],
      },
    ),
    when: list(conditionSchema, { description: "Further conditions, all of which must hold." }),
  },
  { description: "Matches a call where from, to and when all hold. An empty rule matches every call." },
);

export type AuthorizationRule = SpecOf<typeof authorizationRuleSchema>;

export function checkAuthorizationRule(rule: AuthorizationRule, at: At, report: Report): void {
  for (const [index, { source }] of (rule.from ?? []).entries()) {
    if (source !== undefined) checkSource(source, [...at, "from", index, "source"], report);
  }
  for (const [index, { operation }] of (rule.to ?? []).entries()) {
    if (operation !== undefined) checkOperation(operation, [...at, "to", index, "operation"], report);
  }
  for (const [index, condition] of (rule.when ?? []).entries()) {
    checkCondition(condition, [...at, "when", index], report);
  }
}
