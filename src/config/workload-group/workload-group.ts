// WorkloadGroup (networking.istio.io): what machines that join under one name have in common.
import { configCodes } from "../errors.ts";
import { formatPath } from "../field-path.ts";
import { defineKind, type Finding } from "../kind.ts";
import { isLabelKey, isLabelValue } from "../metadata.ts";
import { map, object, type SpecOf, string } from "../schema.ts";
import { checkWorkload } from "../workload-entry/check-workload.ts";
import { workload } from "../workload-entry/workload.ts";
import { readinessProbe } from "./readiness-probe.ts";

export const workloadGroupSchema = object(
  {
    metadata: object(
      {
        labels: map(string({ description: "The value of the label." }), {
          maxProperties: 256,
          description: "Labels of each WorkloadEntry.",
        }),
        annotations: map(string({ description: "The value of the annotation." }), {
          maxProperties: 256,
          description: "Annotations of each WorkloadEntry.",
        }),
      },
      { description: "Metadata of the WorkloadEntry that a joining machine gets." },
    ),
    template: workload({
      address: "optional",
      description: "Spec of the WorkloadEntry that a joining machine gets; its address is filled in.",
    }),
    probe: readinessProbe(),
  },
  { required: ["template"] },
);

export type WorkloadGroup = SpecOf<typeof workloadGroupSchema>;

export const workloadGroupKind = defineKind<WorkloadGroup>({
  kind: "WorkloadGroup",
  group: "networking.istio.io",
  plural: "workloadgroups",
  singular: "workloadgroup",
  shortNames: ["wg"],
  versions: ["v1", "v1beta1", "v1alpha3"],
  scope: "Namespaced",
  description:
    "A template for machines that join: labels, ports, service account and readiness of their WorkloadEntries.",
  schema: workloadGroupSchema,
  root: "spec",
  columns: [{ name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" }],
  check: (object) => checkWorkloadGroup(object.spec),
});

function checkWorkloadGroup(group: WorkloadGroup | undefined): Finding[] {
  if (group === undefined) return [];
  const findings: Finding[] = [];
  const report = (severity: Finding["severity"], path: string, message: string, remedy: string): void => {
    findings.push({ severity, code: configCodes.ruleBroken, message, remedy, path });
  };
  for (const [key, value] of Object.entries(group.metadata?.labels ?? {})) {
    const path = formatPath(["spec", "metadata", "labels", key]);
    if (!isLabelKey(key)) report("error", path, "is not a valid label key", "Use letters, digits, '-', '_' and '.'.");
    if (!isLabelValue(value)) {
      report("error", path, "is not a valid label value", "Use at most 63 letters, digits, '-', '_' and '.'.");
    }
  }
  for (const key of Object.keys(group.metadata?.annotations ?? {})) {
    const path = formatPath(["spec", "metadata", "annotations", key]);
    if (!isLabelKey(key))
      report("error", path, "is not a valid annotation key", "Use letters, digits, '-', '_' and '.'.");
  }
  if (group.template.address !== undefined) {
    report(
      "warning",
      "spec.template.address",
      "has no effect: each machine brings its own address",
      "Remove it, or write a WorkloadEntry.",
    );
  }
  const { address: _address, ...template } = group.template;
  findings.push(...checkWorkload(template, ["spec", "template"], { dnsName: true, socket: true }));
  return findings;
}
