// A proxy's node → the workload it stands for.
import type { ProxyWorkload } from "../model/inbound-view.ts";
import type { NodeInfo } from "../xds/node-info.ts";

/** Ports a node may name. */
const portLimit = 256;

/** @param clusterId the cluster of a node that names none */
export function proxyWorkloadOf(node: NodeInfo, clusterId: string): ProxyWorkload {
  const suffix = `.${node.namespace}`;
  const name = node.name.endsWith(suffix) ? node.name.slice(0, -suffix.length) : node.name;
  return {
    name: textOf(node.metadata["WORKLOAD_NAME"]) ?? name,
    namespace: node.namespace,
    serviceAccount: node.serviceAccount ?? "default",
    addresses: node.ips,
    labels: node.labels,
    ports: portsOf(textOf(node.metadata["POD_PORTS"])),
    clusterId: node.clusterId === "" ? clusterId : node.clusterId,
  };
}

/** Istio's POD_PORTS: JSON in a string, `[{"name":"http","containerPort":8080,"protocol":"TCP"}]`. */
function portsOf(text: string | undefined): Record<string, number> {
  if (text === undefined || text.length > 64 * 1024) return {};
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return {}; // a foreign agent's mistake costs it the port names, nothing else
  }
  const ports: Record<string, number> = {};
  for (const item of Array.isArray(parsed) ? parsed.slice(0, portLimit) : []) {
    const { name, containerPort } = (item ?? {}) as { name?: unknown; containerPort?: unknown };
    if (typeof name === "string" && typeof containerPort === "number") ports[name] = containerPort;
  }
  return ports;
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
