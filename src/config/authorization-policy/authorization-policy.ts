// AuthorizationPolicy (security.istio.io): which calls a workload lets in.
import { defineKind, type Finding } from "../kind.ts";
import type { ApiObject } from "../object.ts";
import { list, object, oneOfStrings, type Rule, type SpecOf, string } from "../schema.ts";
import { workloadSelector } from "../selector.ts";
import { collectFindings, notCarriedOut } from "../virtual-service/finding.ts";
import { authorizationRuleSchema, checkAuthorizationRule, ruleListLimit } from "./authorization-rule.ts";
import { policyTargetReference } from "./target-ref.ts";

/** Annotation by which Istio only counts what a policy would do. */
const dryRunAnnotation = "istio.io/dry-run";

/** Most objects one policy attaches to, as the CRD has it. */
const targetLimit = 16;

interface Shape {
  action?: string;
  provider?: { name?: string };
  rules?: unknown[];
}

const oneTarget: Rule<Record<string, unknown>> = {
  message: "at most one of selector, targetRef, targetRefs may be set",
  test: (spec) => ["selector", "targetRef", "targetRefs"].filter((field) => spec[field] !== undefined).length <= 1,
};

const canTrigger: Rule<Shape> = {
  message: "a DENY or CUSTOM policy without rules never applies; an empty rule {} applies it to every call",
  at: "rules",
  test: ({ action, rules = [] }) => (action !== "DENY" && action !== "CUSTOM") || rules.length > 0,
};

const customNeedsProvider: Rule<Shape> = {
  message: "a CUSTOM policy needs provider.name",
  at: "provider",
  test: ({ action, provider }) => action !== "CUSTOM" || (provider?.name ?? "") !== "",
};

const providerIsCustom: Rule<Shape> = {
  message: "only a CUSTOM policy has a provider",
  at: "provider",
  test: ({ action, provider }) => action === "CUSTOM" || provider === undefined,
};

export const authorizationPolicySchema = object(
  {
    selector: workloadSelector(),
    targetRef: policyTargetReference({ description: "Object the policy attaches to.", pending: true }),
    targetRefs: list(policyTargetReference({ description: "An object the policy attaches to." }), {
      description: "Objects the policy attaches to, in place of a selector.",
      maxItems: targetLimit,
      pending: true,
    }),
    rules: list(authorizationRuleSchema, {
      description:
        "Rules, of which one must match. An ALLOW policy without rules matches nothing, so it refuses every call.",
      maxItems: ruleListLimit,
    }),
    action: oneOfStrings(["ALLOW", "DENY", "AUDIT", "CUSTOM"], {
      description:
        "DENY refuses calls that match. Where any ALLOW policy applies to a workload, only calls that match one are let in. AUDIT logs, CUSTOM asks a provider.",
      default: "ALLOW",
    }),
    provider: object(
      { name: string({ description: "Name of an extension provider of the mesh configuration." }) },
      { description: "Who decides on a CUSTOM policy.", pending: true },
    ),
  },
  { rules: [oneTarget, canTrigger, customNeedsProvider, providerIsCustom] },
);

export type AuthorizationPolicy = SpecOf<typeof authorizationPolicySchema>;

export const authorizationPolicyKind = defineKind<AuthorizationPolicy>({
  kind: "AuthorizationPolicy",
  group: "security.istio.io",
  plural: "authorizationpolicies",
  singular: "authorizationpolicy",
  shortNames: ["ap"],
  versions: ["v1", "v1beta1"],
  scope: "Namespaced",
  description: "Which calls a workload lets in: by caller, request and conditions.",
  schema: authorizationPolicySchema,
  root: "spec",
  columns: [
    { name: "Action", type: "string", jsonPath: ".spec.action", description: "What happens to calls that match." },
    { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" },
  ],
  check: checkAuthorizationPolicy,
});

function checkAuthorizationPolicy(policy: ApiObject<AuthorizationPolicy>): Finding[] {
  const { action, rules = [] } = policy.spec ?? {};
  return collectFindings((report) => {
    if (action === "AUDIT" || action === "CUSTOM") {
      const message =
        action === "CUSTOM"
          ? "proxies cannot ask a provider yet: the calls that the policy matches are refused"
          : "proxies do not carry out AUDIT policies yet: calls are not logged by it";
      report(notCarriedOut(["spec", "action"], message, "Use ALLOW or DENY."));
    }
    if (policy.metadata.annotations?.[dryRunAnnotation] === "true") {
      const at = ["metadata", "annotations", dryRunAnnotation];
      report(notCarriedOut(at, "dry run is not carried out yet", "Do not apply the policy yet."));
    }
    for (const [index, rule] of rules.entries()) checkAuthorizationRule(rule, ["spec", "rules", index], report);
  });
}
