// An object of the mesh → what checks may read of it, and nothing else: of a change of anything else no check need know.
import type { Config } from "../object.ts";
import type { AnalyzedObject } from "./analyzed-object.ts";
import { type AnalyzedEndpoint, listOf } from "./object-lists.ts";

/**
 * Parts that are kept are those of the object, not copies.
 *
 * @returns undefined for an object that no check looks at
 */
export function seenObject(
  { key, meta, spec }: Pick<Config, "key" | "meta"> & { readonly spec?: unknown },
  id: string,
): AnalyzedObject | undefined {
  const list = listOf(key);
  if (list === undefined) return undefined;
  const { name, namespace, labels } = meta;
  return {
    kind: { kind: key.kind, group: key.group },
    key: id,
    object: {
      metadata: labels === undefined ? { name, namespace } : { name, namespace, labels },
      spec: list === "serviceEntries" ? seenService(spec) : list === "workloadEntries" ? seenEndpoint(spec) : spec,
    },
  };
}

function seenService(spec: unknown): unknown {
  const { endpoints } = (spec ?? {}) as { endpoints?: readonly unknown[] };
  return endpoints === undefined ? spec : { ...(spec as object), endpoints: endpoints.map(seenEndpoint) };
}

/** An endpoint of which there is nothing to see. */
const plain: AnalyzedEndpoint = Object.freeze({});

function seenEndpoint(endpoint: unknown): AnalyzedEndpoint {
  const { labels, ports } = (endpoint ?? plain) as AnalyzedEndpoint;
  if (ports === undefined) return labels === undefined ? plain : { labels };
  return labels === undefined ? { ports } : { labels, ports };
}
