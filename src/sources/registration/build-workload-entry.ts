// WorkloadGroup and the machine's own account → WorkloadEntry.

import { apiVersionOf } from "../../config/kind.ts";
import { isLabelKey, isLabelValue } from "../../config/metadata.ts";
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
  const network = entryNetwork(group, node);
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

/** The network that the machine's address belongs to; empty for the mesh's own. */
export function entryNetwork(group: Config<WorkloadGroup>, node: NodeInfo): string {
  return firstOf(isOwnAgent(node), group.spec.template.network, node.network);
}

/**
 * Istio's order: template, `spec.metadata`, what the node says. Lateen's own agent only repeats what it was told when it
 * joined, so there the group goes last and a change of it counts at once.
 */
function entryLabels(group: Config<WorkloadGroup>, node: NodeInfo): Record<string, string> {
  const given = groupLabels(group.spec);
  const claimed = Object.fromEntries(
    Object.entries(node.labels).filter(([key, value]) => isLabelKey(key) && isLabelValue(value)),
  );
  const merged = isOwnAgent(node) ? { ...withoutCanonical(claimed), ...given } : { ...given, ...claimed };
  const bounded = Object.fromEntries(Object.entries(merged).slice(0, labelLimit));
  // Last: an endpoint that an agent registered is spoken to by mutual TLS, whatever a label says.
  return { ...withCanonicalLabels(bounded, group.key.name), "security.istio.io/tlsMode": "istio" };
}

function withoutCanonical(labels: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).filter(([key]) => !key.startsWith("service.istio.io/canonical-")));
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
