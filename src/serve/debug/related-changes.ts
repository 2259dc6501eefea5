// Which of the changes since the last push a push is for.
import type { ConfigRef } from "../../xds/config-ref.ts";
import type { ConfigChange } from "./change-log.ts";

/** Changes named of one push. */
const namedLimit = 8;

export interface RelatedChanges {
  /** The newest, oldest first; at most 8. */
  readonly changes: readonly ConfigChange[];
  /** How many more there are. */
  readonly more: number;
}

/**
 * The changes of objects that made the resources. An endpoint is chosen by labels, so no resource names its WorkloadEntry:
 * those of the makers' namespaces count for load assignments. Where nothing fits (a policy that chooses by labels, or for
 * the whole mesh), all of them are named: one of them it was.
 *
 * @param changes oldest first
 * @param makers the objects that made each resource
 * @param type short name of the resources' type
 */
export function relatedChanges(
  changes: readonly ConfigChange[],
  makers: readonly (readonly ConfigRef[])[],
  type: string,
): RelatedChanges {
  // By name first: most makers and most changes have nothing to do with each other.
  const byName = new Map<string, ConfigRef[]>();
  const namespaces = new Set<string>();
  for (const refs of makers) {
    for (const ref of refs) {
      const same = byName.get(ref.name);
      if (same === undefined) byName.set(ref.name, [ref]);
      else same.push(ref);
      namespaces.add(ref.namespace);
    }
  }
  const isMaker = ({ kind, namespace, name }: ConfigRef): boolean =>
    byName.get(name)?.some((maker) => maker.namespace === namespace && maker.kind === kind) === true;
  const related = changes.filter(
    ({ ref }) => isMaker(ref) || (type === "eds" && ref.kind === "WorkloadEntry" && namespaces.has(ref.namespace)),
  );
  const meant = related.length > 0 ? related : changes;
  return { changes: meant.slice(-namedLimit), more: Math.max(0, meant.length - namedLimit) };
}
