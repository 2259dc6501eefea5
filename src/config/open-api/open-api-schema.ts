// A kind → the schema under which /openapi/v3 lists it, as an API server publishes one for a custom resource.
import type { Kind } from "../kind.ts";
import { type StructuralSchema, structuralSchema } from "./structural-schema.ts";

export interface GroupVersionKind {
  group: string;
  version: string;
  kind: string;
}

export interface OpenApiSchema extends StructuralSchema {
  properties: Record<string, StructuralSchema>;
  "x-kubernetes-group-version-kind": GroupVersionKind[];
}

const objectMeta: StructuralSchema = {
  type: "object",
  description: "Standard object's metadata.",
  properties: {
    name: { type: "string", description: "Name, unique in its namespace." },
    generateName: { type: "string", description: "Start of a name that the server completes." },
    namespace: { type: "string", description: "Namespace that the name is unique in." },
    labels: {
      type: "object",
      description: "Labels that selectors match.",
      additionalProperties: { type: "string" },
    },
    annotations: {
      type: "object",
      description: "Notes of tools, which selectors do not see.",
      additionalProperties: { type: "string" },
    },
    finalizers: {
      type: "array",
      description: "Parties that must agree before the object is gone.",
      items: { type: "string" },
    },
    ownerReferences: {
      type: "array",
      description: "Objects that this one goes with.",
      items: {
        type: "object",
        required: ["apiVersion", "kind", "name", "uid"],
        properties: {
          apiVersion: { type: "string", description: "API version of the owner." },
          kind: { type: "string", description: "Kind of the owner." },
          name: { type: "string", description: "Name of the owner." },
          uid: { type: "string", description: "UID of the owner." },
          controller: {
            type: "boolean",
            description: "True for the owner that manages the object.",
          },
          blockOwnerDeletion: { type: "boolean", description: "True keeps the owner until the object is gone." },
        },
      },
    },
    managedFields: {
      type: "array",
      description: "Who manages which fields; kept for server-side apply.",
      items: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
    },
    uid: { type: "string", description: "Unique for all objects of all times. Set by the server." },
    resourceVersion: { type: "string", description: "Changes with each write. Set by the server." },
    generation: { type: "integer", format: "int64", description: "Counts changes of the spec. Set by the server." },
    creationTimestamp: { type: "string", format: "date-time", description: "Set by the server." },
    deletionTimestamp: { type: "string", format: "date-time", description: "Set by the server." },
    deletionGracePeriodSeconds: { type: "integer", format: "int64", description: "Set by the server." },
    selfLink: { type: "string", description: "No longer used." },
  },
};

/**
 * The kind's whole schema with its envelope.
 *
 * @param version a served version; without it all are named in `x-kubernetes-group-version-kind`
 */
export function openApiSchema(kind: Kind, version?: string): OpenApiSchema {
  const own = structuralSchema(kind);
  const versions = version === undefined ? kind.versions : [version];
  return {
    ...own,
    properties: {
      apiVersion: { type: "string", description: "Group and version of the API, as networking.istio.io/v1." },
      kind: { type: "string", description: `The kind, ${kind.kind}.` },
      metadata: objectMeta,
      ...own.properties,
    },
    "x-kubernetes-group-version-kind": versions.map((served) => ({
      group: kind.group,
      version: served,
      kind: kind.kind,
    })),
  };
}
