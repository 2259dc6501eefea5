// A proxy's node → the workload it stands for.
import type { ProxyWorkload } from "../model/proxy-workload.ts";
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
    ipv6: takesIpv6(node),
    labels: node.labels,
    ports: portsOf(textOf(node.metadata["POD_PORTS"])),
    clusterId: node.clusterId === "" ? clusterId : node.clusterId,
  };
}

/**
 * Whether the proxy takes connections over IPv6. Our agent says so by a capability: a link-local address is enough for
 * that, which no list of addresses names, and addresses come and go. Of other proxies their addresses tell.
 */
export function takesIpv6(node: NodeInfo): boolean {
  return node.capabilities.has("ipv6") || hasIpv6Address(node);
}

export function hasIpv6Address(node: NodeInfo): boolean {
  return node.ips.some((ip) => ip.includes(":"));
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
