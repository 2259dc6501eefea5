// What the server has that references can point at, for the analysis.
import type { AnalyzedObject } from "../../config/analysis/analyzed-object.ts";
import { kinds } from "../../config/kinds.ts";
import type { ApiObject } from "../../config/object.ts";
import { validateObject } from "../../config/validate.ts";
import { isFields } from "../../kernel/fields.ts";
import type { Session } from "../api/session.ts";
import { valueAt } from "../json-value.ts";
import { listObjects } from "../resource/list-objects.ts";

/** For each kind, the kinds its objects refer to or may contradict. */
const workloads = ["WorkloadEntry", "WorkloadGroup"];
const referred = new Map<string, readonly string[]>([
  ["VirtualService", ["VirtualService", "DestinationRule", "ServiceEntry", "Gateway"]],
  ["DestinationRule", ["ServiceEntry", ...workloads]],
  ["ServiceEntry", ["ServiceEntry", ...workloads]],
  ["PeerAuthentication", workloads],
  ["AuthorizationPolicy", workloads],
  ["RequestAuthentication", workloads],
  ["Telemetry", workloads],
]);

/**
 * The server's objects, in all namespaces, that those given can refer to, as far as they fit this program's schemas.
 *
 * @throws LateenError LAT9006 where they may not be listed, and as `ApiClient.send`
 */
export async function presentObjects(session: Session, given: readonly AnalyzedObject[]): Promise<AnalyzedObject[]> {
  const needed = new Set(given.flatMap((each) => referred.get(each.kind.kind) ?? []));
  const wanted = kinds.filter((kind) => kind.group === "networking.istio.io" && needed.has(kind.kind));
  if (wanted.length === 0) return [];
  const served = await session.kinds();
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
