// ServiceEntry.spec.exportTo, MeshConfig.defaultServiceExportTo → the callers that see the service
//
// A service: one host, its ports, and who may see it.
import type { Collection } from "../collection/collection.ts";
import { Derived } from "../collection/derived.ts";
import { Group } from "../collection/group.ts";
import type { Config } from "../config/object.ts";
import type { ServiceEntry } from "../config/service-entry/service-entry.ts";
import { canonicalAddress } from "../kernel/canonical-address.ts";
import { type Hostname, isWildcardHost, resolveHost } from "./hostname.ts";
import { type MeshSettings, meshSettingsKey } from "./mesh-settings.ts";
import { type Protocol, portProtocol } from "./protocol.ts";
import { ageOf, byAge, type SourceRef, sourceRefOf } from "./source-ref.ts";
import { type Visibility, visibilityOf } from "./visibility.ts";

export interface ServicePort {
  readonly name: string;
  readonly number: number;
  /** The port endpoints listen on unless they say otherwise. */
  readonly targetPort: number;
  readonly protocol: Protocol;
  /** `targetPort` is what the object says, not the same number for want of it. */
  readonly statesTarget: boolean;
}

/** How Envoy finds the endpoints (ServiceEntry.spec.resolution). */
export type Resolution = "static" | "dns" | "dns-round-robin" | "none";

export interface Service {
  readonly host: Hostname;
  readonly namespace: string;
  /** First label of the host, Istio's `destination_service_name`. */
  readonly name: string;
  readonly ports: readonly ServicePort[];
  /** Addresses the objects state; CIDRs included. Each in its one spelling, as those of workloads. */
  readonly addresses: readonly string[];
  /** Addresses allocated because the objects state none; used by proxies that capture DNS. */
  readonly autoAddresses: readonly string[];
  readonly resolution: Resolution;
  /** MESH_EXTERNAL: no mutual TLS unless a DestinationRule asks for it. */
  readonly external: boolean;
  readonly subjectAltNames: readonly string[];
  readonly visibility: Visibility;
  /** The objects that define it, oldest first. */
  readonly entries: readonly Config<ServiceEntry>[];
  readonly sources: readonly SourceRef[];
}

/** An allocated pair of addresses for one host of one namespace. */
export interface AutoAddresses {
  readonly v4: string;
  readonly v6: string;
}

/** To be compared as text, older services first: where two claim one address, the older has it. */
export function serviceAge({ entries, namespace, host }: Service): string {
  return `${ageOf(entries[0])}/${namespace}/${host}`;
}

export function serviceKey(namespace: string, host: string): string {
  return `${namespace}/${host}`;
}

interface ServicePiece {
  config: Config<ServiceEntry>;
  host: string;
}

/** Services by `namespace/host`; ServiceEntries of one namespace that name the same host are one service. */
export function deriveServices(inputs: {
  serviceEntries: Collection<Config<ServiceEntry>>;
  autoAddresses: Collection<AutoAddresses>;
  mesh: Collection<MeshSettings>;
  domainSuffix: string;
}): Collection<Service> {
  const { domainSuffix } = inputs;
  const pieces = new Derived<Config<ServiceEntry>, ServicePiece>({
    name: "service-pieces",
    from: inputs.serviceEntries,
    derive: (config, key) => config.spec.hosts.map((host) => [`${key}#${host}`, { config, host }] as const),
    equals: (a, b) => a.config === b.config && a.host === b.host,
  });
  const groups = new Group("services-by-host", pieces, ({ config, host }) => [
    serviceKey(config.key.namespace, resolveHost(host, config.key.namespace, domainSuffix)),
  ]);
  return new Derived<readonly ServicePiece[], Service>({
    name: "services",
    from: groups,
    uses: [inputs.autoAddresses, inputs.mesh],
    derive: (members, key, read) => {
      const mesh = read.get(inputs.mesh, meshSettingsKey);
      const entries = members.map((piece) => piece.config).sort(byAge);
      const [first] = entries;
      if (first === undefined || mesh === undefined) return [];
      const host = resolveHost(members[0]?.host ?? "", first.key.namespace, domainSuffix);
      return [[key, mergeEntries(host, entries, mesh, read.get(inputs.autoAddresses, key))]];
    },
  });
}

function mergeEntries(
  host: Hostname,
  entries: readonly Config<ServiceEntry>[],
  mesh: MeshSettings,
  auto: AutoAddresses | undefined,
): Service {
  const [oldest] = entries as [Config<ServiceEntry>];
  const ports = new Map<number, ServicePort>();
  for (const entry of entries) {
    for (const port of entryPorts(entry)) if (!ports.has(port.number)) ports.set(port.number, port);
  }
  const addresses = [...new Set(entries.flatMap((entry) => entry.spec.addresses ?? []).map(canonicalAddress))];
  const resolution = resolutionOf(oldest.spec.resolution);
  const automatic = addresses.length === 0 && resolution !== "none" && !isWildcardHost(host) && auto !== undefined;
  return {
    host,
    namespace: oldest.key.namespace,
    name: host.split(".")[0] ?? host,
    ports: [...ports.values()].sort((a, b) => a.number - b.number),
    addresses,
    autoAddresses: automatic ? [auto.v4, auto.v6] : [],
    resolution,
    external: (oldest.spec.location ?? "MESH_EXTERNAL") === "MESH_EXTERNAL",
    subjectAltNames: [...new Set(entries.flatMap((entry) => entry.spec.subjectAltNames ?? []))],
    visibility: visibilityOf(oldest.spec.exportTo, oldest.key.namespace, mesh.defaultServiceExportTo),
    entries,
    sources: entries.map(sourceRefOf),
  };
}

/** The ports that one of a service's objects states: the only ones that its endpoints serve. */
export function entryPorts({ spec }: Config<ServiceEntry>): ServicePort[] {
  return (spec.ports ?? []).map((port) => ({
    name: port.name,
    number: port.number,
    targetPort: port.targetPort ?? port.number,
    protocol: portProtocol(port),
    statesTarget: port.targetPort !== undefined,
  }));
}

/**
 * Service port number → port that a workload listens on.
 *
 * @param ports of one of the service's objects
 * @param own port name → number, as the workload itself says
 */
export function listeningPorts(
  ports: readonly ServicePort[],
  own: Readonly<Record<string, number>>,
): Record<number, number> {
  return Object.fromEntries(ports.map(({ name, number, targetPort }) => [number, own[name] ?? targetPort]));
}

export function resolutionOf(word: string | undefined): Resolution {
  if (word === "STATIC") return "static";
  if (word === "DNS") return "dns";
  if (word === "DNS_ROUND_ROBIN") return "dns-round-robin";
  return "none";
}
