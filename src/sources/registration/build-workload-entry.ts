// WorkloadGroup and the machine's own account → WorkloadEntry.

import { apiVersionOf } from "../../config/kind.ts";
import { isLabelValue } from "../../config/metadata.ts";
import type { Config, ObjectMeta } from "../../config/object.ts";
import type { WorkloadEntry } from "../../config/workload-entry/workload-entry.ts";
import { workloadEntryKind } from "../../config/workload-entry/workload-entry.ts";
import type { WorkloadGroup } from "../../config/workload-group/workload-group.ts";
import { workloadGroupKind } from "../../config/workload-group/workload-group.ts";
import { groupLabels, withCanonicalLabels } from "../../config/workload-group/workload-labels.ts";
import type { NodeInfo } from "../../xds/node-info.ts";
import { isOwnAgent } from "./entry-name.ts";

export interface EntryInput {
  readonly group: Config<WorkloadGroup>;
  readonly node: NodeInfo;
  /** Of the proven identity. */
  readonly serviceAccount: string;
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly connectedAtMs: number;
  readonly registeredAtMs: number;
  /** Name of the control plane that holds the connection. */
  readonly controller: string;
  /** Cluster id. */
  readonly source: string;
}

/** Most labels of an entry, as in WorkloadGroup. */
const labelLimit = 256;
/** What a machine may say of itself by labels: those by which Istio's agents tell the place they run in. */
const placeLabels: ReadonlySet<string> = new Set([
  "topology.kubernetes.io/region",
  "topology.kubernetes.io/zone",
  "topology.istio.io/subzone",
  "topology.istio.io/network",
  "topology.istio.io/cluster",
  "istio-locality",
]);
const annotation = {
  group: "istio.io/autoRegistrationGroup",
  connectedAt: "istio.io/connectedAt",
  controller: "istio.io/workloadController",
};

/** A pure function of its input. */
export function buildWorkloadEntry(input: EntryInput): Config<WorkloadEntry> {
  const { group, node, name } = input;
  const { template, metadata } = group.spec;
  const { namespace } = group.key;
  const labels = entryLabels(group, node);
  const locality = firstOf(isOwnAgent(node), template.locality, nodeLocality(node));
  const network = entryNetwork(group);
  const spec: WorkloadEntry = {
    address: node.ips[0] ?? "",
    labels,
    serviceAccount: input.serviceAccount,
    ...(template.ports === undefined ? {} : { ports: template.ports }),
    ...(template.weight === undefined ? {} : { weight: template.weight }),
    ...(locality === "" ? {} : { locality }),
    ...(network === "" ? {} : { network }),
  };
  const meta: ObjectMeta = {
    name,
    namespace,
    labels,
    annotations: {
      ...metadata?.annotations,
      [annotation.group]: group.key.name,
      [annotation.connectedAt]: new Date(input.connectedAtMs).toISOString(),
      [annotation.controller]: input.controller,
    },
    creationTimestamp: new Date(input.registeredAtMs).toISOString().replace(/\.\d+/, ""),
    ...ownerOf(group),
  };
  const { group: apiGroup, kind } = workloadEntryKind;
  return { key: { source: input.source, group: apiGroup, kind, namespace, name }, meta, spec };
}

/**
 * The network that the machine's address belongs to; empty for the mesh's own. The group alone says it: an address has one
 * machine on its network, and a machine that named a network of its own would have any address.
 */
export function entryNetwork(group: Config<WorkloadGroup>): string {
  return group.spec.template.network ?? "";
}

/**
 * Services, subsets and policies choose workloads by label, so a machine that chose its labels would choose whose traffic
 * it takes. The group says what a machine is; the machine says where it is, and only where the group does not.
 */
function entryLabels(group: Config<WorkloadGroup>, node: NodeInfo): Record<string, string> {
  const claimed = Object.fromEntries(
    Object.entries(node.labels).filter(([key, value]) => placeLabels.has(key) && isLabelValue(value)),
  );
  const given = groupLabels(group.spec);
  // The group's first, where not all fit.
  const all = Object.entries({ ...given, ...claimed, ...given }).slice(0, labelLimit);
  // Last: an endpoint that an agent registered is spoken to by mutual TLS, whatever a label says.
  return { ...withCanonicalLabels(Object.fromEntries(all), group.key.name), "security.istio.io/tlsMode": "istio" };
}

function firstOf(templateFirst: boolean, fromTemplate: string | undefined, fromNode: string): string {
  const template = fromTemplate ?? "";
  const [first, second] = templateFirst ? [template, fromNode] : [fromNode, template];
  return first === "" ? second : first;
}

function nodeLocality({ locality }: NodeInfo): string {
  if (locality === undefined || locality.region === "") return "";
  return `${locality.region}/${locality.zone}/${locality.subZone}`.replace(/\/+$/, "");
}

function ownerOf(group: Config<WorkloadGroup>): Pick<ObjectMeta, "ownerReferences"> {
  const { uid } = group.meta;
  if (uid === undefined) return {}; // of a file; Kubernetes' garbage collection wants the uid
  const { kind } = workloadGroupKind;
  const owner = { apiVersion: apiVersionOf(workloadGroupKind), kind, name: group.key.name, uid, controller: true };
  return { ownerReferences: [owner] };
}
