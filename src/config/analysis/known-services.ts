// ServiceEntries by the hosts that they define.
import { parseProtocol, protocolOfName } from "../port-protocol.ts";
import type { AnalyzedObject } from "./analyzed-object.ts";
import { pushTo } from "./grouped.ts";
import { shortNamesOf } from "./home-namespace.ts";
import { carries, type Labels } from "./known-workloads.ts";
import type { AnalyzedService } from "./object-lists.ts";
import { type AnalysisSettings, fullHost } from "./settings.ts";
import { sees, type Visible, visibleIn } from "./visibility.ts";

export interface KnownService {
  readonly on: AnalyzedObject;
  /** Fully qualified; may start with `*.`. */
  readonly host: string;
  /** Other names that callers may know it by. */
  readonly shortNames: readonly string[];
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

export interface KnownServices {
  /** By full host, wildcards included. */
  readonly byHost: ReadonlyMap<string, readonly KnownService[]>;
  readonly wildcards: readonly KnownService[];
  /** Those of the namespace that the name tells. */
  readonly byShortName: ReadonlyMap<string, readonly KnownService[]>;
  /** One for each host that an entry names. */
  readonly byEntry: ReadonlyMap<AnalyzedObject, readonly KnownService[]>;
  /** Which it chooses from, by namespace. */
  readonly workloads: ReadonlyMap<string, readonly Labels[]>;
}

/** Entries that are indexed before it yields. */
const entriesPerStep = 500;

/** @param former what was made of other entries, to take over what is the same */
export function* indexServices(
  entries: readonly AnalyzedObject<AnalyzedService>[],
  workloads: ReadonlyMap<string, readonly Labels[]>,
  settings: AnalysisSettings,
  former: KnownServices | undefined,
): Generator<void, KnownServices, void> {
  const byHost = new Map<string, KnownService[]>();
  const wildcards: KnownService[] = [];
  const byShortName = new Map<string, KnownService[]>();
  const byEntry = new Map<AnalyzedObject, readonly KnownService[]>();
  for (const [at, entry] of entries.entries()) {
    if (at % entriesPerStep === entriesPerStep - 1) yield;
    const isKept = former?.workloads === workloads || entry.object.spec?.workloadSelector === undefined;
    const services = (isKept ? former?.byEntry.get(entry) : undefined) ?? servicesOf(entry, workloads, settings);
    byEntry.set(entry, services);
    for (const service of services) {
      if (service.host.startsWith("*")) wildcards.push(service);
      pushTo(byHost, service.host, service);
      for (const name of service.shortNames) pushTo(byShortName, name, service);
    }
  }
  return { byHost, wildcards, byShortName, byEntry, workloads };
}

function servicesOf(
  on: AnalyzedObject<AnalyzedService>,
  workloads: ReadonlyMap<string, readonly Labels[]>,
  settings: AnalysisSettings,
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
  return spec.hosts.map((written) => {
    const host = fullHost(written, metadata.namespace, settings);
    return { ...shared, host, shortNames: shortNamesOf(host, metadata.namespace, settings) };
  });
}

/** Services that answer for a full host, by exact name or else by wildcard; visible in `namespace` if given. */
export function servicesFor(known: KnownServices, host: string, namespace?: string): KnownService[] {
  const seen = (service: KnownService): boolean => namespace === undefined || sees(service.visible, namespace);
  const exact = (known.byHost.get(host) ?? []).filter(seen);
  if (exact.length > 0) return exact;
  return known.wildcards.filter((service) => covers(service.host, host) && seen(service));
}

/** `*.example.com` covers `a.example.com` and `*.a.example.com`; a plain host covers itself. */
export function covers(pattern: string, host: string): boolean {
  if (pattern === host || pattern === "*") return true;
  return pattern.startsWith("*") && host.length >= pattern.length && host.endsWith(pattern.slice(1));
}
