// Nodes of fake sidecars: all of one namespace and so of one scope, each with a name and an address of its own.
import { issueIdentity, openControlAuthority } from "../../kit/issued-identity.ts";
import type { FleetNode } from "./fleet-messages.ts";

/** Istio's agents, bare Envoy: everyone who is not our own agent. */
export function foreignNodes(
  count: number,
  from = 0,
  namespaceOf: (index: number) => string = () => "mesh",
): FleetNode[] {
  return Array.from({ length: count }, (_, number) => {
    const index = from + number;
    const namespace = namespaceOf(index);
    const address = `10.200.${(index >> 8) & 255}.${index & 255}`;
    const name = `vm-${index}`;
    return {
      id: `sidecar~${address}~${name}.${namespace}~${namespace}.svc.cluster.local`,
      metadata: {
        NAME: name,
        NAMESPACE: namespace,
        SERVICE_ACCOUNT: "sidecar",
        WORKLOAD_NAME: "client",
        INSTANCE_IPS: address,
        ISTIO_VERSION: "1.29.6",
        CLUSTER_ID: "Kubernetes",
        MESH_ID: "cluster.local",
        LABELS: { app: "client", version: "v1", "service.istio.io/canonical-name": "client" },
        INTERCEPTION_MODE: "REDIRECT",
        PROXY_CONFIG: { concurrency: 2 },
      },
    };
  });
}

/** A certificate for each of them, from the control plane's own authority. */
export async function withCertificates(
  nodes: readonly FleetNode[],
  dataDir: string,
): Promise<{ nodes: FleetNode[]; ca: string }> {
  const authority = await openControlAuthority(dataDir);
  try {
    const proven: FleetNode[] = [];
    for (const node of nodes) {
      const namespace = String(node.metadata["NAMESPACE"]);
      proven.push({
        ...node,
        ...(await issueIdentity(authority, `spiffe://cluster.local/ns/${namespace}/sa/sidecar`)),
      });
    }
    return { nodes: proven, ca: authority.roots() };
  } finally {
    await authority.stop();
  }
}
