// DestinationRule (networking.istio.io): what applies to traffic for a host once its route is chosen.
import { checkExportTo, exportToList } from "../export-to.ts";
import { defineKind, type Finding } from "../kind.ts";
import type { ApiObject } from "../object.ts";
import { list, object, type Rule, type SpecOf, string, withOptions } from "../schema.ts";
import { workloadSelector } from "../selector.ts";
import { collectFindings } from "../virtual-service/finding.ts";
import { hostPattern } from "../virtual-service/host-rule.ts";
import { checkSubsets, subsetSchema } from "./subset.ts";
import { checkTrafficPolicy, trafficPolicy } from "./traffic-policy.ts";

interface Scope {
  workloadSelector?: { matchLabels?: object };
  exportTo?: string[];
}

/** A rule for chosen callers of one namespace means nothing elsewhere. */
const selectedStaysHome: Rule<Scope> = {
  message: "a rule with a workloadSelector can be exported to its own namespace only",
  at: "exportTo",
  test: ({ workloadSelector, exportTo = [] }) =>
    workloadSelector === undefined || exportTo.length === 0 || (exportTo.length === 1 && exportTo[0] === "."),
};

export const destinationRuleSchema = object(
  {
    host: string({
      description:
        "Host the rule is for: a service known to the mesh, or *.suffix. A short name is read in the object's own namespace.",
      rules: [hostPattern],
    }),
    trafficPolicy: trafficPolicy("Settings for all traffic to the host."),
    subsets: list(subsetSchema, { description: "Named parts of the host's endpoints, such as versions." }),
    exportTo: exportToList("rule"),
    workloadSelector: withOptions(workloadSelector(), {
      description: "The callers the rule is for, all in its own namespace; without it, all that see it.",
    }),
  },
  { required: ["host"], rules: [selectedStaysHome] },
);

export type DestinationRule = SpecOf<typeof destinationRuleSchema>;

export const destinationRuleKind = defineKind<DestinationRule>({
  kind: "DestinationRule",
  group: "networking.istio.io",
  plural: "destinationrules",
  singular: "destinationrule",
  shortNames: ["dr"],
  versions: ["v1", "v1alpha3", "v1beta1"],
  scope: "Namespaced",
  description:
    "What applies to traffic for a host once its route is chosen: subsets, load balancing, connection limits, outlier detection, TLS.",
  schema: destinationRuleSchema,
  root: "spec",
  columns: [
    { name: "Host", type: "string", jsonPath: ".spec.host", description: "Host the rule is for." },
    { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" },
  ],
  check: checkDestinationRule,
});

function checkDestinationRule({ spec }: ApiObject<DestinationRule>): Finding[] {
  return collectFindings((report) => {
    if (spec?.trafficPolicy !== undefined) {
      checkTrafficPolicy(spec.trafficPolicy, ["spec", "trafficPolicy"], report);
    }
    checkSubsets(spec?.subsets ?? [], ["spec", "subsets"], report);
    for (const found of checkExportTo(spec?.exportTo, { mayHide: false })) report(found);
  });
}
