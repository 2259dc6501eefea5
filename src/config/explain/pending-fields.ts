// The fields that are kept and served, but that proxies do not act on yet.
import type { Kind } from "../kind.ts";
import { meshConfigSchema } from "../mesh-config/mesh-config-schema.ts";
import { mapValues, type SchemaNode, schemaNode } from "../schema-node.ts";

/**
 * Paths of all pending fields, `VirtualService.spec.http[].delegate`; of a pending object only itself. `{}` stands for
 * any key of a map.
 */
export function pendingFields(kinds: readonly Kind[]): string[] {
  return kinds.flatMap((kind) =>
    pendingBelow(schemaNode(kind.schema), kind.root === "spec" ? `${kind.kind}.spec` : kind.kind),
  );
}

/** The same for MeshConfig, which is no kind: `MeshConfig.ca`. */
export function pendingMeshConfigFields(): string[] {
  return pendingBelow(schemaNode(meshConfigSchema), "MeshConfig");
}

function pendingBelow(node: SchemaNode, path: string): string[] {
  if (node.pending === true) return [path];
  const paths = Object.entries(node.properties ?? {}).flatMap(([name, child]) =>
    pendingBelow(child, `${path}.${name}`),
  );
  if (node.items !== undefined) paths.push(...pendingBelow(node.items, `${path}[]`));
  const values = mapValues(node);
  if (values !== undefined) paths.push(...pendingBelow(values, `${path}{}`));
  return paths;
}
