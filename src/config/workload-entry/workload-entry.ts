// WorkloadEntry (networking.istio.io): one machine or process that services reach by their selectors.
import { defineKind } from "../kind.ts";
import type { SpecOf } from "../schema.ts";
import { checkWorkload } from "./check-workload.ts";
import { workload } from "./workload.ts";

export const workloadEntrySchema = workload({ address: "required" });

export type WorkloadEntry = SpecOf<typeof workloadEntrySchema>;

export const workloadEntryKind = defineKind<WorkloadEntry>({
  kind: "WorkloadEntry",
  group: "networking.istio.io",
  plural: "workloadentries",
  singular: "workloadentry",
  shortNames: ["we"],
  versions: ["v1", "v1beta1", "v1alpha3"],
  scope: "Namespaced",
  description:
    "One workload outside Kubernetes: its address, ports, labels and identity. Joining machines get one by themselves.",
  schema: workloadEntrySchema,
  root: "spec",
  columns: [
    { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" },
    { name: "Address", type: "string", jsonPath: ".spec.address", description: "Where the workload listens." },
  ],
  check: (object) => checkWorkload(object.spec ?? {}, ["spec"], { dnsName: true, socket: true }),
});
