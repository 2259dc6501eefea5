// What proxies have refused, and what they still prepare.
import type { ChurnMesh } from "./churn-mesh.ts";

export interface Verdicts {
  /** Messages that proxies rejected, as the control plane counts them. */
  rejects: number;
  /** Proxies and types that `proxy-status` shows with NACK, and Envoys' own counters. */
  rejected: string[];
  /** Clusters that are not active, by machine. */
  warming: string[];
}

interface ProxyRow {
  name: string;
  types: Record<string, { state: string }>;
}

export async function readVerdicts(churn: ChurnMesh): Promise<Verdicts> {
  const { control } = churn.mesh;
  const proxies = JSON.parse(await control.lateen("proxy-status", "-o", "json")) as ProxyRow[];
  const shown = proxies.flatMap(({ name, types }) =>
    Object.entries(types).flatMap(([type, { state }]) => (state === "NACK" ? [`${name} ${type}`] : [])),
  );
  const rejections = await churn.probes.watch({
    ...{ path: "/stats?filter=update_rejected", text: "update_rejected", times: 1, whole: true },
  });
  const counted = rejections.flatMap(({ machine, seen }) =>
    [...(seen.page ?? "").matchAll(/^(.*update_rejected): ([1-9]\d*)$/gm)].map((match) => `${machine} ${match[0]}`),
  );
  const path = "/config_dump?resource=dynamic_warming_clusters&mask=cluster.name";
  const dumps = await churn.probes.watch({ path, text: "", times: 0, whole: true });
  const warming = dumps.flatMap(({ machine, seen }) =>
    [...(seen.page ?? "").matchAll(/"name": "([^"]+)"/g)].map((match) => `${machine} ${match[1]}`),
  );
  return { rejects: await control.metric("pilot_total_xds_rejects"), rejected: [...shown, ...counted], warming };
}
