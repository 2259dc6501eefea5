// WorkloadGroup and mesh settings → lateen.agent.v1.MachineConfig: what an agent must know of its machine.

import { create } from "@bufbuild/protobuf";
import { type MachineConfig, MachineConfigSchema } from "../../../gen/lateen/agent/v1/agent_pb.ts";
import type { Config } from "../../config/object.ts";
import { serviceAccountOf } from "../../config/workload-group/service-account.ts";
import type { WorkloadGroup } from "../../config/workload-group/workload-group.ts";
import { groupLabels, withCanonicalLabels } from "../../config/workload-group/workload-labels.ts";
import { formatCidr, parseCidr } from "../../kernel/ip-address.ts";
import { byKey } from "../../kernel/key-order.ts";

/** What the machine must know of the mesh. */
export interface MachineMeshSettings {
  trustDomain: string;
  rootNamespace: string;
  /** `cluster.local` */
  domainSuffix: string;
  meshId: string;
  /** Name of this control plane's cluster in metrics. */
  clusterId: string;
  /** Whether the agent answers the machine's DNS queries; Istio's default for machines is yes. */
  captureDns: boolean;
  /** MeshConfig.proxyListenPort: where Envoy takes what the machine sends. */
  proxyListenPort: number;
  /** MeshConfig.proxyInboundListenPort: where Envoy takes what the machine is sent. */
  proxyInboundListenPort: number;
}

/** Most ports or ranges taken from one annotation. */
const entryLimit = 256;
const annotation = {
  includeInboundPorts: "traffic.sidecar.istio.io/includeInboundPorts",
  excludeInboundPorts: "traffic.sidecar.istio.io/excludeInboundPorts",
  excludeOutboundPorts: "traffic.sidecar.istio.io/excludeOutboundPorts",
  excludeOutboundIpRanges: "traffic.sidecar.istio.io/excludeOutboundIPRanges",
};

/** A pure function: equal arguments give equal messages. Entries of annotations that are no port or range are left out. */
export function machineConfigOf(group: Config<WorkloadGroup>, mesh: MachineMeshSettings): MachineConfig {
  const { template, metadata } = group.spec;
  const annotations = metadata?.annotations ?? {};
  return create(MachineConfigSchema, {
    trustDomain: mesh.trustDomain,
    rootNamespace: mesh.rootNamespace,
    domainSuffix: mesh.domainSuffix,
    meshId: mesh.meshId,
    clusterId: mesh.clusterId,
    workloads: [
      {
        namespace: group.key.namespace,
        group: group.key.name,
        serviceAccount: serviceAccountOf(group.spec),
        labels: sorted(withCanonicalLabels(groupLabels(group.spec), group.key.name)),
        ports: sorted(template.ports ?? {}),
        locality: template.locality ?? "",
        network: template.network ?? "",
        capture: {
          // "*" is Istio's word for all ports, which an empty list means here.
          includeInboundPorts: ports(annotations[annotation.includeInboundPorts]),
          excludeInboundPorts: ports(annotations[annotation.excludeInboundPorts]),
          excludeOutboundPorts: ports(annotations[annotation.excludeOutboundPorts]),
          excludeOutboundCidrs: ranges(annotations[annotation.excludeOutboundIpRanges]),
          captureDns: mesh.captureDns,
          outboundPort: mesh.proxyListenPort,
          inboundPort: mesh.proxyInboundListenPort,
        },
      },
    ],
  });
}

function entries(text: string | undefined): string[] {
  return (text ?? "")
    .split(",", entryLimit)
    .map((part) => part.trim())
    .filter((part) => part !== "");
}

function ports(text: string | undefined): number[] {
  const numbers = entries(text).flatMap((part) => (/^[1-9]\d{0,4}$/.test(part) ? Number(part) : []));
  return [...new Set(numbers.filter((port) => port <= 65_535))].sort((a, b) => a - b);
}

function ranges(text: string | undefined): string[] {
  const cidrs = entries(text).flatMap((part) => {
    const cidr = parseCidr(part);
    return cidr === undefined ? [] : formatCidr(cidr);
  });
  return [...new Set(cidrs)].sort();
}

/** By key, so that the bytes of the message depend on the content alone. */
function sorted<T>(map: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(map).sort(byKey));
}
