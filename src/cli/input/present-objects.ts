// What the server has that references can point at, for the analysis.
import type { AnalyzedObject } from "../../config/analysis/analyzed-object.ts";
import { kinds } from "../../config/kinds.ts";
import type { ApiObject } from "../../config/object.ts";
import { validateObject } from "../../config/validate.ts";
import type { Session } from "../api/session.ts";
import { isFields, valueAt } from "../json-value.ts";
import { listObjects } from "../resource/list-objects.ts";

/** Kinds that others refer to, or that contradict each other. */
const referredKinds: ReadonlySet<string> = new Set([
  "VirtualService",
  "DestinationRule",
  "ServiceEntry",
  "WorkloadEntry",
  "WorkloadGroup",
  "Gateway",
]);

/** All objects of these kinds, in all namespaces, that fit this program's schemas. */
export async function presentObjects(session: Session): Promise<AnalyzedObject[]> {
  const served = await session.kinds();
  const wanted = kinds.filter((kind) => kind.group === "networking.istio.io" && referredKinds.has(kind.kind));
  const lists = await Promise.all(
    wanted.map(async (kind) => {
      const resource = served.find((each) => each.group === kind.group && each.plural === kind.plural);
      if (resource === undefined) return [];
      const objects = await listObjects(session.client, resource, { namespace: undefined });
      return objects.filter(isApiObject).map((object) => ({ kind, object }));
    }),
  );
  return lists
    .flat()
    .filter(({ kind, object }) => validateObject(kind, object).every((problem) => problem.severity !== "error"));
}

function isApiObject(value: unknown): value is ApiObject {
  const spec = valueAt(value, "spec");
  return (
    typeof valueAt(value, "metadata", "name") === "string" &&
    typeof valueAt(value, "metadata", "namespace") === "string" &&
    (spec === undefined || isFields(spec))
  );
}
