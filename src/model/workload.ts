// A workload: one instance of something that runs, whether written down, registered or inline in a ServiceEntry.
import type { Collection } from "../collection/collection.ts";
import { Derived } from "../collection/derived.ts";
import type { Config } from "../config/object.ts";
import { entryLabels } from "../config/workload-entry/entry-labels.ts";
import type { WorkloadEntry } from "../config/workload-entry/workload-entry.ts";
import { canonicalAddress } from "../kernel/canonical-address.ts";
import { type SourceRef, sourceRefOf } from "./source-ref.ts";

export interface Workload {
  /** Stable for the life of the instance; never an address. */
  readonly uid: string;
  /** As metrics show it: the WorkloadGroup of a registered machine, else the object's own name. */
  readonly name: string;
  readonly namespace: string;
  /** IP addresses in their one spelling, a DNS name, or `unix:///path`; the first one is primary. */
  readonly addresses: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  /** Empty where the workload is a name that DNS resolves: anybody may answer there. */
  readonly serviceAccount: string;
  /** Service port name → port the workload listens on. */
  readonly ports: Readonly<Record<string, number>>;
  /** `region/zone/subzone` */
  readonly locality: string;
  readonly network: string;
  readonly weight: number;
  /** Registered by an agent, so a proxy is known to be there. */
  readonly registered: boolean;
  readonly healthy: boolean;
  readonly clusterId: string;
  readonly source: SourceRef;
}

/** What a workload runs as where nothing is said, as in Kubernetes and as machines of a WorkloadGroup that names none. */
export const defaultServiceAccount = "default";
/** Istio's annotation on WorkloadEntries that registration made. */
export const registrationAnnotation = "istio.io/autoRegistrationGroup";
/** Istio's annotation: health is reported, so an entry without a report is not healthy. */
const healthChecksAnnotation = "proxy.istio.io/health-checks-enabled";

export function workloadOf(config: Config<WorkloadEntry>, clusterId: string): Workload {
  const { spec, key, meta } = config;
  return {
    uid: `${key.source}/${key.kind}/${key.namespace}/${key.name}`,
    name: meta.annotations?.[registrationAnnotation] ?? key.name,
    namespace: key.namespace,
    addresses: spec.address === undefined || spec.address === "" ? [] : [canonicalAddress(spec.address)],
    labels: entryLabels(meta, spec),
    serviceAccount: spec.serviceAccount || defaultServiceAccount,
    ports: spec.ports ?? {},
    locality: spec.locality ?? "",
    network: spec.network ?? "",
    weight: spec.weight ?? 1,
    registered: meta.annotations?.[registrationAnnotation] !== undefined,
    healthy: isHealthy(config),
    clusterId,
    source: sourceRefOf(config),
  };
}

function isHealthy(config: Config<WorkloadEntry>): boolean {
  if (config.meta.annotations?.[healthChecksAnnotation] !== "true") return true;
  const conditions = (config.status as { conditions?: { type: string; status: string }[] } | undefined)?.conditions;
  return conditions?.some((condition) => condition.type === "Healthy" && condition.status === "True") ?? false;
}

export function deriveWorkloads(entries: Collection<Config<WorkloadEntry>>, clusterId: string): Collection<Workload> {
  return new Derived<Config<WorkloadEntry>, Workload>({
    name: "workloads",
    from: entries,
    derive: (config, key) => [[key, workloadOf(config, clusterId)]],
  });
}
