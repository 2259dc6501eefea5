// A stream as proxy-status shows it.
import type { ProxyStatus, XdsColumn } from "../../contract/proxy-status.ts";
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
    if (column !== undefined) columns[column] = typeStatus(type);
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
