// Namespace (Kubernetes core): its labels switch mesh features for what lives in it.
import { defineKind } from "../kind.ts";
import { list, object, type SpecOf, string } from "../schema.ts";

export const namespaceSchema = object({
  finalizers: list(string({ maxLength: 253 }), {
    maxItems: 64,
    description: "Parties that must agree before the namespace is gone; kept for Kubernetes clients.",
  }),
});

export type Namespace = SpecOf<typeof namespaceSchema>;

export const namespaceKind = defineKind<Namespace>({
  kind: "Namespace",
  group: "",
  plural: "namespaces",
  singular: "namespace",
  shortNames: ["ns"],
  versions: ["v1"],
  scope: "Cluster",
  description:
    "A part of the mesh with its own names and policies; labels such as istio.io/rev apply to what is in it.",
  schema: namespaceSchema,
  root: "spec",
  columns: [
    { name: "Status", type: "string", jsonPath: ".status.phase", description: "Active, or Terminating." },
    { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" },
  ],
});
