// ServiceEntry (networking.istio.io): a service that is not Kubernetes': VMs, databases, hosts on the internet.
import { defineKind } from "../kind.ts";
import { checkServiceEntry } from "./check-service-entry.ts";
import { type ServiceEntry, serviceEntrySchema } from "./service-entry-schema.ts";

export type { ServiceEntry, ServicePort } from "./service-entry-schema.ts";

export const serviceEntryKind = defineKind<ServiceEntry>({
  kind: "ServiceEntry",
  group: "networking.istio.io",
  plural: "serviceentries",
  singular: "serviceentry",
  shortNames: ["se"],
  versions: ["v1", "v1beta1", "v1alpha3"],
  scope: "Namespaced",
  description: "Adds a service to the mesh: its names, ports, and where its endpoints are.",
  schema: serviceEntrySchema,
  root: "spec",
  columns: [
    { name: "Hosts", type: "string", jsonPath: ".spec.hosts", description: "Names of the service." },
    {
      name: "Location",
      type: "string",
      jsonPath: ".spec.location",
      description: "Whether the endpoints belong to the mesh.",
    },
    { name: "Resolution", type: "string", jsonPath: ".spec.resolution", description: "How endpoints are found." },
    { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" },
  ],
  check: (object) => (object.spec === undefined ? [] : checkServiceEntry(object.spec)),
});
