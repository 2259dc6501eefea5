// ServiceEntry.spec.endpoints[].address, ServiceEntry.spec.workloadSelector → the services that a machine is an endpoint of
//
// A proxy finds here the services it serves by its addresses and labels, so that a change of one service is looked at by the
// proxies it concerns and by no others.
import type { Collection } from "../collection/collection.ts";
import type { Reader } from "../collection/derivation.ts";
import { Derived } from "../collection/derived.ts";
import { Group } from "../collection/group.ts";
import { matchesLabels } from "../config/selector.ts";
import { canonicalAddress } from "../kernel/canonical-address.ts";
import { labelKeys, selectorKey } from "./label-index.ts";
import type { ProxyWorkload } from "./proxy-workload.ts";
import { entryPorts, listeningPorts, type Service, type ServicePort } from "./service.ts";
import type { Workload } from "./workload.ts";

/** What a proxy must know of a service that has its machine as an endpoint. */
export type ServedService = Pick<Service, "host" | "name" | "namespace" | "ports" | "sources">;

/** One of a service's objects, as far as it decides what its endpoints serve. */
interface ServedEntry {
  /** Place among all services and their objects; instances are taken up in this order. */
  readonly order: string;
  readonly service: ServedService;
  /** The ports that the object states. */
  readonly ports: readonly ServicePort[];
}

interface WrittenInstance extends ServedEntry {
  readonly address: string;
  /** Port name → number. */
  readonly own: Readonly<Record<string, number>>;
}

interface SelectingEntry extends ServedEntry {
  readonly labels: Readonly<Record<string, string>>;
}

/** A service that has the workload as an endpoint; once for each instance of it on the machine. */
export interface InboundService {
  readonly service: ServedService;
  /** Service port number → port that the workload listens on. */
  readonly ports: Readonly<Record<number, number>>;
}

export interface ServiceInstances {
  /** By `namespace/address`. */
  readonly written: Collection<readonly WrittenInstance[]>;
  /** By `selectorKey`. */
  readonly selecting: Collection<readonly SelectingEntry[]>;
}

export function deriveServiceInstances(services: Collection<Service>): ServiceInstances {
  const written = new Derived<Service, WrittenInstance>({
    name: "written-instances",
    from: services,
    derive: (service, key) =>
      servedEntries(service, key).flatMap(({ served, spec }) =>
        (spec.endpoints ?? []).map(({ address = "", ports = {} }, index): [string, WrittenInstance] => [
          `${served.order}#${place(index)}`,
          { ...served, order: `${served.order}#${place(index)}`, address: canonicalAddress(address), own: ports },
        ]),
      ),
  });
  const selecting = new Derived<Service, SelectingEntry>({
    name: "selecting-entries",
    from: services,
    derive: (service, key) =>
      servedEntries(service, key).flatMap(({ served, spec }): [string, SelectingEntry][] => {
        const labels = spec.workloadSelector?.labels;
        return spec.endpoints !== undefined || labels === undefined ? [] : [[served.order, { ...served, labels }]];
      }),
  });
  return {
    written: new Group("written-instances-by-address", written, ({ service, address }) => [
      `${service.namespace}/${address}`,
    ]),
    selecting: new Group("selecting-entries-by-label", selecting, ({ service, labels }) => [
      selectorKey(service.namespace, labels),
    ]),
  };
}

/**
 * The ways in which services have the machine as an endpoint: through each workload at its address that a selector chooses,
 * through the machine's own labels where there is none, and through each endpoint written with its address.
 *
 * @param registered the workloads at the machine's addresses
 */
export function inboundServices(
  { written, selecting }: ServiceInstances,
  proxy: ProxyWorkload,
  registered: readonly Workload[],
  read: Reader,
): InboundService[] {
  const found: { order: string; inbound: InboundService }[] = [];
  const add = ({ order, service, ports }: ServedEntry, own: Readonly<Record<string, number>>): void => {
    found.push({ order, inbound: { service, ports: listeningPorts(ports, own) } });
  };
  for (const address of proxy.addresses) {
    for (const instance of read.get(written, `${proxy.namespace}/${address}`) ?? []) add(instance, instance.own);
  }
  const keys = new Set([proxy, ...registered].flatMap(({ labels }) => labelKeys(proxy.namespace, labels)));
  for (const key of keys) {
    for (const entry of read.get(selecting, key) ?? []) {
      const known = registered.filter((workload) => matchesLabels(entry.labels, workload.labels));
      for (const { ports } of known) add(entry, ports);
      if (known.length === 0 && matchesLabels(entry.labels, proxy.labels)) add(entry, proxy.ports);
    }
  }
  return found.sort((a, b) => (a.order < b.order ? -1 : a.order > b.order ? 1 : 0)).map(({ inbound }) => inbound);
}

function servedEntries(service: Service, key: string) {
  const { host, name, namespace, ports, sources } = service;
  const facts: ServedService = { host, name, namespace, ports, sources };
  return service.entries.map((entry, index) => {
    const served: ServedEntry = { order: `${key}#${place(index)}`, service: facts, ports: entryPorts(entry) };
    return { served, spec: entry.spec };
  });
}

/** An index that sorts as text. */
function place(index: number): string {
  return String(index).padStart(6, "0");
}
