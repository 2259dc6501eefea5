// Subset: endpoints of a service by label, such as one version (istio.networking.v1alpha3.Subset).
import type { Finding } from "../kind.ts";
import { map, object, type Rule, type SpecOf, string } from "../schema.ts";
import { type At, broken } from "../virtual-service/finding.ts";
import { dnsLabel } from "../virtual-service/host-rule.ts";
import { checkTrafficPolicy, trafficPolicy } from "./traffic-policy.ts";

const named: Rule<{ name?: string }> = {
  message: "a subset needs a name",
  at: "name",
  test: ({ name }) => name !== undefined,
};

export const subsetSchema = object(
  {
    name: string({ description: "Name that routes use, together with the host.", rules: [dnsLabel] }),
    labels: map(string({ description: "Value of the label." }), {
      description: "Labels that the endpoints must carry; all endpoints of the host where absent.",
    }),
    trafficPolicy: trafficPolicy("Settings for the subset; each replaces the one of the whole service."),
  },
  { description: "A named part of the service's endpoints.", rules: [named] },
);

export type Subset = SpecOf<typeof subsetSchema>;

export function checkSubsets(subsets: readonly Subset[], at: At): Finding[] {
  const found: Finding[] = [];
  const seen = new Set<string>();
  for (const [index, subset] of subsets.entries()) {
    const { name = "" } = subset;
    if (seen.has(name)) {
      found.push(broken([...at, index, "name"], `a subset named ${name} exists already`, "Give it another name."));
    }
    seen.add(name);
    if (subset.trafficPolicy !== undefined) {
      found.push(...checkTrafficPolicy(subset.trafficPolicy, [...at, index, "trafficPolicy"]));
    }
  }
  return found;
}
