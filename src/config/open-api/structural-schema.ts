// A kind's schema → Kubernetes' structural schema (apiextensions.k8s.io/v1 JSONSchemaProps).
import type { Kind } from "../kind.ts";
import { mapValues, type SchemaNode, schemaNode } from "../schema-node.ts";

/** The part of OpenAPI v3's schema object that Kubernetes takes in a CustomResourceDefinition. */
export interface StructuralSchema {
  type?: string;
  description?: string;
  properties?: Record<string, StructuralSchema>;
  additionalProperties?: StructuralSchema;
  items?: StructuralSchema;
  required?: readonly string[];
  enum?: readonly string[];
  format?: string;
  pattern?: string;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  minProperties?: number;
  maxProperties?: number;
  "x-kubernetes-list-type"?: "map";
  "x-kubernetes-list-map-keys"?: readonly string[];
  "x-kubernetes-preserve-unknown-fields"?: boolean;
}

/** Keywords that mean the same on both sides. */
const kept = [
  "type",
  "enum",
  "pattern",
  "minimum",
  "maximum",
  "minLength",
  "maxLength",
  "minItems",
  "maxItems",
  "minProperties",
  "maxProperties",
  "required",
  "x-kubernetes-preserve-unknown-fields",
] as const;

/** Formats that Kubernetes knows; each implies its bounds. */
const impliedBounds: Record<string, readonly [number, number]> = {
  int32: [-(2 ** 31), 2 ** 31 - 1],
  int64: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
  double: [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY],
  byte: [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY],
};

/**
 * The schema of a kind's own fields: `spec` and `status`, or the fields of a flat kind. The API server knows apiVersion,
 * kind and metadata by itself.
 *
 * Defaults are told in descriptions, not in `default`: an API server would write them into stored objects, which
 * Istio's do not.
 */
export function structuralSchema(kind: Kind): StructuralSchema & { properties: Record<string, StructuralSchema> } {
  const own = convert(schemaNode(kind.schema));
  const properties =
    kind.root === "spec"
      ? {
          spec: { ...own, description: own.description ?? `What the ${kind.kind} asks for.` },
          status: {
            type: "object",
            description: "What the mesh made of it.",
            "x-kubernetes-preserve-unknown-fields": true,
          },
        }
      : (own.properties ?? {});
  return {
    type: "object",
    description: kind.description,
    properties,
    ...(kind.root === "object" && own.required !== undefined ? { required: own.required } : {}),
  };
}

function convert(node: SchemaNode): StructuralSchema {
  const schema: Record<string, unknown> = {};
  for (const keyword of kept) if (node[keyword] !== undefined) schema[keyword] = node[keyword];
  const bounds = node.format === undefined ? undefined : impliedBounds[node.format];
  if (bounds !== undefined) {
    schema["format"] = node.format;
    if (node.minimum === bounds[0]) delete schema["minimum"];
    if (node.maximum === bounds[1]) delete schema["maximum"];
  }
  const description = describe(node);
  if (description !== undefined) schema["description"] = description;
  const values = mapValues(node);
  if (values !== undefined) schema["additionalProperties"] = convert(values);
  if (node.items !== undefined) schema["items"] = convert(node.items);
  if (node.mapKeys !== undefined) {
    schema["x-kubernetes-list-type"] = "map";
    schema["x-kubernetes-list-map-keys"] = node.mapKeys;
  }
  if (node.properties !== undefined) {
    schema["properties"] = Object.fromEntries(
      Object.entries(node.properties).map(([name, child]) => [name, convert(child)]),
    );
  }
  return schema;
}

function describe(node: SchemaNode): string | undefined {
  const sentences = [
    node.description,
    node.default === undefined ? undefined : `Default: ${formatDefault(node.default)}.`,
    node.deprecated === true ? "Deprecated." : undefined,
    node.pending === true ? "Kept, but proxies do not act on it yet." : undefined,
  ].filter((sentence) => sentence !== undefined);
  return sentences.length === 0 ? undefined : sentences.join(" ");
}

function formatDefault(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
