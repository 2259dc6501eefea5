// Which of the changes since the last push a push is for.
import type { ConfigRef } from "../../xds/config-ref.ts";
import type { ConfigChange } from "./change-log.ts";

/** Changes named of one push. */
const namedLimit = 8;
/** Changes looked at for one push: a folder of thousands of files that changes at once must not hold up the first push. */
const lookedLimit = 64;

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
): ConfigChange[] {
  const looked = changes.slice(-lookedLimit);
  const related = looked.filter(({ ref }) =>
    makers.some((refs) =>
      refs.some(
        (maker) =>
          maker.namespace === ref.namespace &&
          ((maker.name === ref.name && maker.kind === ref.kind) || (type === "eds" && ref.kind === "WorkloadEntry")),
      ),
    ),
  );
  return (related.length > 0 ? related : looked).slice(-namedLimit);
}
