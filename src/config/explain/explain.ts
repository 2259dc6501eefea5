// What a field is, read from its kind's schema: the data behind `lateen explain VirtualService.spec.http.retries`.
import type { Kind } from "../kind.ts";
import { meshConfigSchema } from "../mesh-config/mesh-config-schema.ts";
import { openApiSchema } from "../open-api/open-api-schema.ts";
import { mapValues, type SchemaNode, schemaNode } from "../schema-node.ts";
import { nearestWord } from "../spelling.ts";

export interface FieldSummary {
  name: string;
  /** As kubectl prints it: `<string>`, `<[]Object>`, `<map[string]string>`. */
  type: string;
  description: string;
  required: boolean;
  /** True while proxies do not act on the field, or on the field that it belongs to. */
  pending: boolean;
  deprecated: boolean;
  /** Words that the field, or each of its items, takes. */
  enum?: readonly string[];
  default?: unknown;
}

export interface FieldExplanation extends FieldSummary {
  /** From the kind down: `VirtualService.spec.http.retries`. */
  path: string;
  /** Fields of the object, of a list's items or of a map's values. */
  children: FieldSummary[];
}

/** The path names no field: how far it led, and what may have been meant. */
export interface UnknownField {
  unknown: string;
  /** The last field on the way that exists. */
  parent: string;
  nearest?: string;
  known: readonly string[];
}

/**
 * Explains a kind, or one field of it.
 *
 * @param path `spec.http.retries`; the kind may stand first, and `[]` or `[0]` after a name is ignored. Items of lists
 *   and values of maps need no step of their own.
 */
export function explain(kind: Kind, path = ""): FieldExplanation | UnknownField {
  const words = [kind.kind, kind.plural, kind.singular, ...kind.shortNames];
  return explainNode(kind.kind, rootNode(kind), segmentsOf(words, path));
}

/** Explains the MeshConfig document, which is no kind, or one field of it. */
export function explainMeshConfig(path = ""): FieldExplanation | UnknownField {
  const root = {
    ...schemaNode(meshConfigSchema),
    description: "Settings of the whole mesh (lateen up --mesh-config).",
  };
  return explainNode("MeshConfig", root, segmentsOf(["MeshConfig"], path));
}

function explainNode(rootName: string, root: SchemaNode, segments: readonly string[]): FieldExplanation | UnknownField {
  let node = root;
  let place = rootName;
  let name = rootName;
  let required = false;
  let pending = false;
  for (const segment of segments) {
    const fields = fieldsOf(node);
    if (!Object.hasOwn(fields.properties, segment)) {
      const known = Object.keys(fields.properties);
      const nearest = nearestWord(segment, known);
      return { unknown: segment, parent: place, known, ...(nearest === undefined ? {} : { nearest }) };
    }
    required = fields.required.includes(segment);
    node = fields.properties[segment] ?? {};
    pending ||= node.pending === true;
    place = `${place}.${segment}`;
    name = segment;
  }
  const { properties, required: requiredChildren } = fieldsOf(node);
  return {
    ...summary(name, node, required, pending),
    path: place,
    children: Object.entries(properties).map(([child, field]) =>
      summary(child, field, requiredChildren.includes(child), pending),
    ),
  };
}

function segmentsOf(rootWords: readonly string[], path: string): string[] {
  const segments = path
    .replace(/\[[^\]]*\]/g, "")
    .split(".")
    .filter((segment) => segment !== "");
  const words = rootWords.map((word) => word.toLowerCase());
  return words.includes((segments[0] ?? "").toLowerCase()) ? segments.slice(1) : segments;
}

/** The kind as a field: its envelope from OpenAPI, its own part from the schema, which knows more. */
function rootNode(kind: Kind): SchemaNode {
  const {
    apiVersion,
    kind: kindField,
    metadata,
    status,
    spec,
  } = openApiSchema(kind).properties as Record<string, SchemaNode>;
  const own = schemaNode(kind.schema);
  const envelope = { apiVersion: apiVersion ?? {}, kind: kindField ?? {}, metadata: metadata ?? {} };
  const properties =
    kind.root === "spec"
      ? { ...envelope, spec: { ...own, description: spec?.description ?? "" }, status: status ?? {} }
      : { ...envelope, ...own.properties };
  return {
    type: "object",
    description: kind.description,
    properties,
    required: kind.root === "spec" ? [] : (own.required ?? []),
  };
}

/** Steps through lists and maps to the object whose fields a path can name next. */
function fieldsOf(node: SchemaNode): { properties: Record<string, SchemaNode>; required: readonly string[] } {
  let inner = node;
  for (let next = elementOf(inner); next !== undefined; next = elementOf(inner)) inner = next;
  return { properties: inner.properties ?? {}, required: inner.required ?? [] };
}

function elementOf(node: SchemaNode): SchemaNode | undefined {
  return node.items ?? mapValues(node);
}

function summary(name: string, node: SchemaNode, required: boolean, pendingAbove: boolean): FieldSummary {
  const values = node.enum ?? node.items?.enum;
  return {
    name,
    type: `<${typeName(node)}>`,
    description: node.description ?? node.items?.description ?? "",
    required,
    pending: pendingAbove || node.pending === true,
    deprecated: node.deprecated === true,
    ...(values === undefined ? {} : { enum: values }),
    ...(node.default === undefined ? {} : { default: node.default }),
  };
}

function typeName(node: SchemaNode): string {
  if (node.items !== undefined) return `[]${typeName(node.items)}`;
  const values = mapValues(node);
  if (values !== undefined) return `map[string]${typeName(values)}`;
  return node.type === undefined || node.type === "object" ? "Object" : node.type;
}
