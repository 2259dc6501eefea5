// The objects by what others refer to: services by host, rules by host, workloads by namespace.
import type { DestinationRule } from "../destination-rule/destination-rule.ts";
import { parseProtocol, protocolOfName } from "../port-protocol.ts";
import type { ServiceEntry } from "../service-entry/service-entry.ts";
import type { VirtualService } from "../virtual-service/virtual-service.ts";
import { entryLabels } from "../workload-entry/entry-labels.ts";
import type { WorkloadEntry } from "../workload-entry/workload-entry.ts";
import type { WorkloadGroup } from "../workload-group/workload-group.ts";
import type { AnalyzedObject } from "./analyzed-object.ts";
import { sees, type Visible, visibleIn } from "./visibility.ts";

export interface KnownService {
  readonly on: AnalyzedObject;
  /** Fully qualified; may start with `*.`. */
  readonly host: string;
  readonly namespace: string;
  readonly visible: Visible;
  readonly ports: readonly KnownPort[];
  /** Labels of each endpoint that is known; empty where endpoints are found at run time. */
  readonly endpointLabels: readonly Labels[];
}

export interface KnownPort {
  readonly number: number;
  readonly protocol: string;
}

export type Labels = Readonly<Record<string, string>>;

/** A DestinationRule's subsets, and who sees them. */
export interface KnownRule {
  readonly host: string;
  readonly visible: Visible;
  readonly subsets: readonly string[];
}

export interface MeshIndex {
  readonly virtualServices: readonly AnalyzedObject<VirtualService>[];
  readonly destinationRules: readonly AnalyzedObject<DestinationRule>[];
  readonly serviceEntries: readonly AnalyzedObject<ServiceEntry>[];
  readonly others: readonly AnalyzedObject[];
  /** `namespace/name` of each Gateway. */
  readonly gateways: ReadonlySet<string>;
  /** By full host; rules for wildcards apart. */
  readonly rules: ReadonlyMap<string, readonly KnownRule[]>;
  readonly wildcardRules: readonly KnownRule[];
  /** By full host, wildcards included. */
  readonly services: ReadonlyMap<string, readonly KnownService[]>;
  readonly wildcardServices: readonly KnownService[];
  /** Labels of every machine or entry, by namespace. */
  readonly workloads: ReadonlyMap<string, readonly Labels[]>;
  /** Full name of a host that an object of `namespace` names. */
  fullHost(host: string, namespace: string): string;
}

/** Entries that are indexed before it yields. */
const entriesPerStep = 500;

export function* indexMesh(objects: readonly AnalyzedObject[], domainSuffix: string): Generator<void, MeshIndex, void> {
  const byKind = (kind: string): AnalyzedObject<never>[] =>
    objects.filter(
      (each) => each.kind.kind === kind && each.kind.group === "networking.istio.io",
    ) as AnalyzedObject<never>[];
  const fullHost = (host: string, namespace: string): string => {
    const lower = host.toLowerCase().replace(/\.$/, "");
    return lower === "*" || lower.includes(".") ? lower : `${lower}.${namespace}.svc.${domainSuffix}`;
  };
  const workloads = indexWorkloads(byKind("WorkloadEntry"), byKind("WorkloadGroup"));
  const services = new Map<string, KnownService[]>();
  const wildcardServices: KnownService[] = [];
  const serviceEntries: AnalyzedObject<ServiceEntry>[] = byKind("ServiceEntry");
  for (const [at, entry] of serviceEntries.entries()) {
    if (at % entriesPerStep === 0) yield;
    for (const service of servicesOf(entry, workloads, fullHost)) {
      if (service.host.startsWith("*")) wildcardServices.push(service);
      push(services, service.host, service);
    }
  }
  const destinationRules: AnalyzedObject<DestinationRule>[] = byKind("DestinationRule");
  const rules = destinationRules.flatMap(({ object: { spec, metadata } }) =>
    spec === undefined
      ? []
      : {
          host: fullHost(spec.host, metadata.namespace),
          // Rules for chosen callers never leave their namespace.
          visible: visibleIn(spec.workloadSelector === undefined ? spec.exportTo : ["."], metadata.namespace),
          subsets: (spec.subsets ?? []).map((subset) => subset.name),
        },
  );
  const exactRules = new Map<string, KnownRule[]>();
  for (const rule of rules) push(exactRules, rule.host, rule);
  yield;
  return {
    virtualServices: byKind("VirtualService"),
    destinationRules,
    rules: exactRules,
    wildcardRules: rules.filter((rule) => rule.host.startsWith("*")),
    serviceEntries,
    others: objects,
    gateways: new Set(byKind("Gateway").map(({ object: { metadata } }) => `${metadata.namespace}/${metadata.name}`)),
    services,
    wildcardServices,
    workloads,
    fullHost,
  };
}

function indexWorkloads(
  entries: readonly AnalyzedObject<WorkloadEntry>[],
  groups: readonly AnalyzedObject<WorkloadGroup>[],
): Map<string, Labels[]> {
  const workloads = new Map<string, Labels[]>();
  for (const { object } of entries) {
    push(workloads, object.metadata.namespace, entryLabels(object.metadata, object.spec));
  }
  // Machines that will join carry at least their group's labels.
  for (const { object } of groups) {
    push(workloads, object.metadata.namespace, { ...object.spec?.template.labels, ...object.spec?.metadata?.labels });
  }
  return workloads;
}

function push<T>(map: Map<string, T[]>, key: string, value: T): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}

function servicesOf(
  on: AnalyzedObject<ServiceEntry>,
  workloads: ReadonlyMap<string, readonly Labels[]>,
  fullHost: MeshIndex["fullHost"],
): KnownService[] {
  const { spec, metadata } = on.object;
  if (spec === undefined) return [];
  const selector = spec.workloadSelector?.labels;
  const selected =
    selector === undefined || Object.keys(selector).length === 0
      ? []
      : (workloads.get(metadata.namespace) ?? []).filter((labels) => carries(labels, selector));
  const shared = {
    on,
    namespace: metadata.namespace,
    visible: visibleIn(spec.exportTo, metadata.namespace),
    ports: (spec.ports ?? []).map((port) => ({
      number: port.number,
      protocol: parseProtocol(port.protocol ?? "") ?? protocolOfName(port.name) ?? "TCP",
    })),
    endpointLabels: [...(spec.endpoints ?? []).map((endpoint) => endpoint.labels ?? {}), ...selected],
  };
  return spec.hosts.map((host) => ({ ...shared, host: fullHost(host, metadata.namespace) }));
}

/** True where `labels` hold all of `wanted`. */
export function carries(labels: Labels, wanted: Labels): boolean {
  return Object.entries(wanted).every(([key, value]) => labels[key] === value);
}

/** Services that answer for a full host, by exact name or else by wildcard; visible in `namespace` if given. */
export function servicesFor(index: MeshIndex, host: string, namespace?: string): KnownService[] {
  const seen = (service: KnownService): boolean => namespace === undefined || sees(service.visible, namespace);
  const exact = (index.services.get(host) ?? []).filter(seen);
  if (exact.length > 0) return exact;
  return index.wildcardServices.filter((service) => covers(service.host, host) && seen(service));
}

/** `*.example.com` covers `a.example.com` and `*.a.example.com`; a plain host covers itself. */
export function covers(pattern: string, host: string): boolean {
  if (pattern === host || pattern === "*") return true;
  return pattern.startsWith("*") && host.length >= pattern.length && host.endsWith(pattern.slice(1));
}
