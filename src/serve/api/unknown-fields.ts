// Fields that a kind does not know: found, named, and taken out, as the API server prunes them.
import { formatPath, type PathSegment } from "../../config/field-path.ts";
import type { Kind } from "../../config/kind.ts";
import { mapValues, type SchemaNode, schemaNode } from "../../config/schema-node.ts";
import { nearestWord } from "../../config/spelling.ts";

/** Unknown fields that are named; more are only taken out. */
const namedLimit = 32;

const metadataFields = [
  "name",
  "generateName",
  "namespace",
  "labels",
  "annotations",
  "uid",
  "resourceVersion",
  "generation",
  "creationTimestamp",
  "deletionTimestamp",
  "deletionGracePeriodSeconds",
  "finalizers",
  "ownerReferences",
  "managedFields",
  "selfLink",
];

const anything: SchemaNode = { "x-kubernetes-preserve-unknown-fields": true };

export interface Pruned {
  value: unknown;
  /** As API servers word it: `unknown field "spec.hosst"`, with the spelling that was probably meant. */
  unknown: string[];
}

/** @param value a plain value that should be an object of the kind; never changed */
export function pruneUnknownFields(kind: Kind, value: unknown): Pruned {
  const own = schemaNode(kind.schema);
  const metadata: SchemaNode = {
    properties: Object.fromEntries(metadataFields.map((name) => [name, anything])),
    additionalProperties: false,
  };
  const envelope = { apiVersion: anything, kind: anything, metadata, status: anything };
  const root: SchemaNode = {
    properties: { ...envelope, ...(kind.root === "spec" ? { spec: own } : own.properties) },
    additionalProperties: false,
  };
  const unknown: string[] = [];
  return { value: prune(root, value, [], unknown), unknown };
}

function prune(node: SchemaNode, value: unknown, path: PathSegment[], unknown: string[]): unknown {
  if (value === null || typeof value !== "object" || node["x-kubernetes-preserve-unknown-fields"] === true)
    return value;
  if (Array.isArray(value)) {
    const { items } = node;
    return items === undefined ? value : value.map((item, index) => prune(items, item, [...path, index], unknown));
  }
  const { properties } = node;
  const values = mapValues(node);
  if (properties === undefined && values === undefined) return value;
  const kept: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(value)) {
    const known = properties !== undefined && Object.hasOwn(properties, name) ? properties[name] : values;
    if (known !== undefined) kept[name] = prune(known, field, [...path, name], unknown);
    else if (node.additionalProperties !== false) kept[name] = field;
    else if (unknown.length < namedLimit) unknown.push(describe([...path, name], Object.keys(properties ?? {})));
  }
  return kept;
}

function describe(path: readonly PathSegment[], known: readonly string[]): string {
  const nearest = nearestWord(String(path.at(-1)), known);
  const hint = nearest === undefined ? "" : ` (did you mean ${nearest}?)`;
  return `unknown field ${JSON.stringify(formatPath(path))}${hint}`;
}
