// ServiceEntry.spec.endpoints[] → WorkloadEntry.spec
// ServiceEntry.spec.location, MeshConfig.rootNamespace → envoy.config.endpoint.v3.LbEndpoint.metadata tlsMode
//
// Where a service's requests can go: its workloads and the ports they listen on.
import type { Collection } from "../collection/collection.ts";
import { Derived } from "../collection/derived.ts";
import { Group } from "../collection/group.ts";
import type { Config } from "../config/object.ts";
import type { PeerAuthentication } from "../config/peer-authentication/peer-authentication.ts";
import { matchesLabels } from "../config/selector.ts";
import type { ServiceEntry } from "../config/service-entry/service-entry.ts";
import { canonicalAddress } from "../kernel/canonical-address.ts";
import { isWildcardHost } from "./hostname.ts";
import { labelKeys, selectorKey } from "./label-index.ts";
import { type MeshSettings, meshSettingsKey } from "./mesh-settings.ts";
import { effectivePeerAuthentication } from "./peer-authentication.ts";
import { entryPorts, listeningPorts, resolutionOf, type Service } from "./service.ts";
import { sourceRefOf } from "./source-ref.ts";
import { defaultServiceAccount, type Workload } from "./workload.ts";

/** One workload behind a service, with what holds for it as a destination. */
export interface Endpoint {
  readonly workload: Workload;
  /** Service port number → port the workload listens on; of the ServiceEntries that have the workload as an endpoint. */
  readonly ports: Readonly<Record<number, number>>;
  /** Service ports that are called with mutual TLS. */
  readonly mtlsPorts: readonly number[];
}

export interface ServiceEndpoints {
  /** Ordered by workload uid. */
  readonly endpoints: readonly Endpoint[];
  /** Service accounts behind the service, sorted, as `namespace/account`: what its certificates may say. */
  readonly serviceAccounts: readonly string[];
}

type Member = Pick<Endpoint, "workload" | "ports">;

/** The label by which Istio marks workloads that have a proxy. */
const tlsModeLabel = "security.istio.io/tlsMode";

/** Endpoints by service key. */
export function deriveEndpoints(inputs: {
  services: Collection<Service>;
  workloads: Collection<Workload>;
  peerAuthentications: Collection<Config<PeerAuthentication>>;
  mesh: Collection<MeshSettings>;
}): Collection<ServiceEndpoints> {
  const workloadsByLabel = new Group("workloads-by-label", inputs.workloads, ({ namespace, labels }) =>
    labelKeys(namespace, labels),
  );
  const policiesByNamespace = new Group("peer-authentications-by-namespace", inputs.peerAuthentications, (config) => [
    config.key.namespace,
  ]);
  return new Derived<Service, ServiceEndpoints>({
    name: "endpoints",
    from: inputs.services,
    uses: [workloadsByLabel, policiesByNamespace, inputs.mesh],
    derive: (service, key, read) => {
      const mesh = read.get(inputs.mesh, meshSettingsKey);
      if (mesh === undefined) return [];
      const policies = {
        own: read.get(policiesByNamespace, service.namespace) ?? [],
        root: service.namespace === mesh.rootNamespace ? [] : (read.get(policiesByNamespace, mesh.rootNamespace) ?? []),
      };
      if (service.namespace === mesh.rootNamespace) policies.root = policies.own;
      const members = new Map<string, Member>();
      for (const entry of service.entries) {
        const workloads =
          entry.spec.endpoints === undefined
            ? selected(entry, (key) => read.get(workloadsByLabel, key) ?? [])
            : inline(entry, mesh.clusterId);
        if (isHostItself(entry)) workloads.push(hostItself(service, entry, mesh.clusterId));
        for (const workload of workloads) {
          // Two objects may have one workload: where they say different things of a port, the older holds.
          const ports = { ...listeningPorts(entryPorts(entry), workload.ports), ...members.get(workload.uid)?.ports };
          members.set(workload.uid, { workload, ports });
        }
      }
      const endpoints = [...members.values()]
        .map((member) => endpointOf(service, member, policies))
        .sort((a, b) => (a.workload.uid < b.workload.uid ? -1 : 1));
      const accounts = endpoints
        .filter(({ workload }) => workload.serviceAccount !== "")
        .map(({ workload }) => `${workload.namespace}/${workload.serviceAccount}`);
      return [[key, { endpoints, serviceAccounts: [...new Set(accounts)].sort() }]];
    },
  });
}

/** The workload that an endpoint of a ServiceEntry was made into: what did not change in a new version is the same object. */
const inlineWorkloads = new WeakMap<object, Workload>();

/** ServiceEntry.spec.endpoints: a workload of its own for each. */
function inline(entry: Config<ServiceEntry>, clusterId: string): Workload[] {
  const { source, namespace, name } = entry.key;
  return (entry.spec.endpoints ?? []).map((endpoint, index) => {
    const uid = `${source}/ServiceEntry/${namespace}/${name}/${String(index).padStart(6, "0")}`;
    const known = inlineWorkloads.get(endpoint);
    if (known?.uid === uid && known.clusterId === clusterId) return known;
    const workload: Workload = {
      uid,
      name,
      namespace,
      addresses: endpoint.address === undefined || endpoint.address === "" ? [] : [canonicalAddress(endpoint.address)],
      labels: endpoint.labels ?? {},
      serviceAccount: endpoint.serviceAccount || defaultServiceAccount,
      ports: endpoint.ports ?? {},
      locality: endpoint.locality ?? "",
      network: endpoint.network ?? "",
      weight: endpoint.weight ?? 1,
      registered: false,
      healthy: true,
      clusterId,
      source: sourceRefOf(entry),
    };
    inlineWorkloads.set(endpoint, workload);
    return workload;
  });
}

/** A name to resolve, without endpoints: the host is its own endpoint. */
function isHostItself({ spec }: Config<ServiceEntry>): boolean {
  const resolution = resolutionOf(spec.resolution);
  const byDns = resolution === "dns" || resolution === "dns-round-robin";
  return byDns && (spec.endpoints ?? []).length === 0 && spec.workloadSelector === undefined;
}

/** Whoever answers there runs as nobody that is known. */
function hostItself(service: Service, entry: Config<ServiceEntry>, clusterId: string): Workload {
  return {
    uid: `${entry.key.source}/ServiceEntry/${entry.key.namespace}/${entry.key.name}/host/${service.host}`,
    name: entry.key.name,
    namespace: entry.key.namespace,
    addresses: isWildcardHost(service.host) ? [] : [service.host],
    labels: {},
    serviceAccount: "",
    ports: {},
    locality: "",
    network: "",
    weight: 1,
    registered: false,
    healthy: true,
    clusterId,
    source: sourceRefOf(entry),
  };
}

function selected(entry: Config<ServiceEntry>, workloads: (key: string) => readonly Workload[]): Workload[] {
  const labels = entry.spec.workloadSelector?.labels;
  if (labels === undefined) return [];
  return workloads(selectorKey(entry.key.namespace, labels)).filter((workload) =>
    matchesLabels(labels, workload.labels),
  );
}

function endpointOf(
  service: Service,
  { workload, ports }: Member,
  policies: { own: readonly Config<PeerAuthentication>[]; root: readonly Config<PeerAuthentication>[] },
): Endpoint {
  const effective = effectivePeerAuthentication(policies, workload.labels);
  const mtlsPorts: number[] = [];
  for (const [port, target] of Object.entries(ports)) {
    const mode = effective.ports[target] ?? effective.mode;
    if (takesMutualTls(service, workload, mode)) mtlsPorts.push(Number(port));
  }
  return { workload, ports, mtlsPorts };
}

/**
 * A registered workload is always called with mutual TLS unless its policy says DISABLE: a lost label never turns it to
 * plaintext. A written one of unknown capability is, where its policy is STRICT.
 */
function takesMutualTls(service: Service, workload: Workload, mode: "DISABLE" | "PERMISSIVE" | "STRICT"): boolean {
  if (mode === "DISABLE") return false;
  if (workload.registered || workload.labels[tlsModeLabel] === "istio") return true;
  return !service.external && mode === "STRICT";
}
