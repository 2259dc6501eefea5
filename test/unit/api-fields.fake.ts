// The fields of the API, by paths such as `VirtualService.spec.http[].name`; `{}` is any key of a map.
import { kinds } from "../../src/config/kinds.ts";
import { meshConfigSchema } from "../../src/config/mesh-config/mesh-config-schema.ts";
import { mapValues, type SchemaNode, schemaNode } from "../../src/config/schema-node.ts";

/** Kinds whose fields proxies act on. WorkloadGroup is for registration, Namespace for the API. */
export const mappedKinds: readonly string[] = [
  "VirtualService",
  "DestinationRule",
  "ServiceEntry",
  "WorkloadEntry",
  "PeerAuthentication",
  "AuthorizationPolicy",
  "MeshConfig",
];

export function schemaOf(kind: string): SchemaNode | undefined {
  if (kind === "MeshConfig") return schemaNode(meshConfigSchema);
  const known = kinds.find((candidate) => candidate.kind === kind);
  return known === undefined ? undefined : { properties: { spec: schemaNode(known.schema) } };
}

export function fieldAt(path: string): SchemaNode | undefined {
  const [kind = "", ...rest] = path.split(".");
  let node = schemaOf(kind);
  for (const part of rest) {
    const [name = "", ...steps] = part.split(/(?=\[\]|\{\})/);
    node = node?.properties?.[name];
    for (const step of steps) node = step === "[]" ? node?.items : node === undefined ? undefined : mapValues(node);
  }
  return node;
}

/** Fields that hold values, not other fields; without pending ones. */
export function leavesBelow(node: SchemaNode, path: string): string[] {
  if (node.pending === true) return [];
  if (node.properties !== undefined) {
    return Object.entries(node.properties).flatMap(([name, child]) => leavesBelow(child, `${path}.${name}`));
  }
  if (node.items?.properties !== undefined) return leavesBelow(node.items, `${path}[]`);
  const values = mapValues(node);
  return values?.properties === undefined ? [path] : leavesBelow(values, `${path}{}`);
}

export function leavesOf(kind: string): string[] {
  const schema = schemaOf(kind);
  if (schema === undefined) throw new TypeError(`no kind ${kind}`);
  return leavesBelow(schema, kind);
}
