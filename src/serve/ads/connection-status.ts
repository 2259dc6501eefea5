// A stream as proxy-status shows it.
import type { ProxyStatus, SyncState, TypeStatus, XdsColumn } from "../../contract/proxy-status.ts";
import type { XdsClient } from "../../xds/generator.ts";
import { typeUrls } from "../../xds/type-url.ts";
import { columnOf } from "./type-name.ts";
import { type TypeStream, typeStatus } from "./type-stream.ts";

export function connectionStatus(
  client: XdsClient,
  types: readonly TypeStream[],
  about: { controlPlane: string; connectedAtMs: number },
): ProxyStatus {
  const { node } = client;
  const [identity] = client.identities;
  const columns: ProxyStatus["types"] = {};
  for (const type of types) {
    const column: XdsColumn | undefined = columnOf(type.typeUrl);
    if (column === undefined) continue;
    const [present, status] = [columns[column], typeStatus(type)];
    columns[column] = present === undefined ? status : bothOf(present, status);
  }
  return {
    name: node.name,
    namespace: node.namespace,
    clusterId: node.clusterId,
    nodeId: node.id,
    ...(identity === undefined ? {} : { identity }),
    // The release that runs there; ISTIO_VERSION only says whose behaviour our agents have.
    version: node.agentVersion ?? node.istioVersion ?? "",
    ...(node.envoyVersion === undefined ? {} : { envoyVersion: node.envoyVersion }),
    controlPlane: about.controlPlane,
    connectedAt: new Date(about.connectedAtMs).toISOString(),
    queryable: types.some((type) => type.typeUrl === typeUrls.query),
    types: columns,
  };
}

const worstFirst: readonly SyncState[] = ["NACK", "STALE", "NOT SENT", "SYNCED"];

/** Routes may come whole and in parts over one stream; the operator asks how it is with routes. */
function bothOf(a: TypeStatus, b: TypeStatus): TypeStatus {
  const [worse, better] = worstFirst.indexOf(a.state) <= worstFirst.indexOf(b.state) ? [a, b] : [b, a];
  const [sentAt, ackedAt] = [later(a.sentAt, b.sentAt), later(a.ackedAt, b.ackedAt)];
  return {
    ...worse,
    resources: worse.resources + better.resources,
    ...(sentAt === undefined ? {} : { sentAt }),
    ...(ackedAt === undefined ? {} : { ackedAt }),
  };
}

function later(a: string | undefined, b: string | undefined): string | undefined {
  return a === undefined || (b !== undefined && b > a) ? b : a;
}
