// Subset: endpoints of a service by label, such as one version (istio.networking.v1alpha3.Subset).
import { map, object, type SpecOf, string } from "../schema.ts";
import { type At, broken, type Report } from "../virtual-service/finding.ts";
import { dnsLabel } from "../virtual-service/host-rule.ts";
import { checkTrafficPolicy, trafficPolicy } from "./traffic-policy.ts";

export const subsetSchema = object(
  {
    name: string({ description: "Name that routes use, together with the host.", rules: [dnsLabel] }),
    labels: map(string({ description: "Value of the label." }), {
      description: "Labels that the endpoints must carry; all endpoints of the host where absent.",
    }),
    trafficPolicy: trafficPolicy("Settings for the subset; each replaces the one of the whole service."),
  },
  { description: "A named part of the service's endpoints.", required: ["name"] },
);

export type Subset = SpecOf<typeof subsetSchema>;

export function checkSubsets(subsets: readonly Subset[], at: At, report: Report): void {
  const seen = new Set<string>();
  for (const [index, { name, trafficPolicy }] of subsets.entries()) {
    const here = [...at, index];
    if (seen.has(name)) {
      report(broken([...here, "name"], `a subset named ${name} exists already`, "Give it another name."));
    }
    seen.add(name);
    if (trafficPolicy !== undefined) checkTrafficPolicy(trafficPolicy, [...here, "trafficPolicy"], report);
  }
}
