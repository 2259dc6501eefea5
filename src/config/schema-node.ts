// A schema as JSON Schema, for code that reads schemas: OpenAPI and explanations.
import type { TSchema } from "./schema.ts";

/** The keywords that `schema.ts` writes. */
export interface SchemaNode {
  type?: string;
  description?: string;
  properties?: Record<string, SchemaNode>;
  /** Of a map, under the one pattern that matches every key. */
  patternProperties?: Record<string, SchemaNode>;
  /** `false` on objects that know all their fields; a schema in OpenAPI's maps. */
  additionalProperties?: SchemaNode | boolean;
  items?: SchemaNode;
  required?: readonly string[];
  enum?: readonly string[];
  format?: string;
  pattern?: string;
  default?: unknown;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  minProperties?: number;
  maxProperties?: number;
  pending?: boolean;
  deprecated?: boolean;
  mapKeys?: readonly string[];
  "x-kubernetes-preserve-unknown-fields"?: boolean;
}

export function schemaNode(schema: TSchema): SchemaNode {
  return schema as SchemaNode;
}

/** The schema of a map's values; undefined where the node is no map. */
export function mapValues(node: SchemaNode): SchemaNode | undefined {
  const [values] = Object.values(node.patternProperties ?? {});
  return values ?? (typeof node.additionalProperties === "object" ? node.additionalProperties : undefined);
}
