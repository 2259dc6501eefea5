// The mesh as data: collections that hold for everyone, before anybody's point of view.
import type { Collection } from "../collection/collection.ts";
import { Group } from "../collection/group.ts";
import type { AuthorizationPolicy } from "../config/authorization-policy/authorization-policy.ts";
import type { DestinationRule } from "../config/destination-rule/destination-rule.ts";
import type { Config } from "../config/object.ts";
import type { PeerAuthentication } from "../config/peer-authentication/peer-authentication.ts";
import type { ServiceEntry } from "../config/service-entry/service-entry.ts";
import type { VirtualService } from "../config/virtual-service/virtual-service.ts";
import type { WorkloadEntry } from "../config/workload-entry/workload-entry.ts";
import { type CallerSelectors, deriveCallerSelectors } from "./caller-selector.ts";
import { configsOfKind } from "./config-of-kind.ts";
import { deriveEndpoints, type ServiceEndpoints } from "./endpoint.ts";
import { resolveHost } from "./hostname.ts";
import type { MeshSettings } from "./mesh-settings.ts";
import { isHttp } from "./protocol.ts";
import { type AutoAddresses, deriveServices, type Service } from "./service.ts";
import { deriveServiceInstances, type ServiceInstances } from "./service-instance.ts";
import { isForMesh } from "./virtual-service.ts";
import { deriveWorkloads, type Workload } from "./workload.ts";

export interface MeshInputs {
  /** Every object of every source, by formatConfigKey. */
  configs: Collection<Config>;
  /** One entry, under `meshSettingsKey`. */
  settings: Collection<MeshSettings>;
  /** By service key. */
  autoAddresses: Collection<AutoAddresses>;
  /** Names this cluster in metrics; fixed for the life of the process. */
  clusterId: string;
  /** DNS suffix of mesh names; fixed for the life of the process. */
  domainSuffix: string;
}

export interface Mesh {
  readonly settings: Collection<MeshSettings>;
  readonly clusterId: string;
  readonly domainSuffix: string;
  /** By `namespace/host`. */
  readonly services: Collection<Service>;
  readonly servicesByHost: Collection<readonly Service[]>;
  /** Services with a port of HTTP, by each of their addresses; not by blocks. */
  readonly httpServicesByAddress: Collection<readonly Service[]>;
  readonly serviceInstances: ServiceInstances;
  readonly workloads: Collection<Workload>;
  /** By `namespace/address`. */
  readonly workloadsByAddress: Collection<readonly Workload[]>;
  /** By service key. */
  readonly endpoints: Collection<ServiceEndpoints>;
  /** By full host or wildcard. */
  readonly destinationRules: Collection<readonly Config<DestinationRule>[]>;
  /** Those that concern sidecars, by full host or wildcard. */
  readonly virtualServices: Collection<readonly Config<VirtualService>[]>;
  /** By namespace. */
  readonly peerAuthentications: Collection<readonly Config<PeerAuthentication>[]>;
  readonly authorizationPolicies: Collection<readonly Config<AuthorizationPolicy>[]>;
  /** The labels by which VirtualServices and DestinationRules choose callers. */
  readonly callerSelectors: CallerSelectors;
}

export function deriveMesh(inputs: MeshInputs): Mesh {
  const { configs, settings, autoAddresses, domainSuffix, clusterId } = inputs;
  const serviceEntries = configsOfKind<ServiceEntry>(configs, "ServiceEntry");
  const virtualServices = configsOfKind<VirtualService>(configs, "VirtualService");
  const destinationRules = configsOfKind<DestinationRule>(configs, "DestinationRule");
  const peerAuthentications = configsOfKind<PeerAuthentication>(configs, "PeerAuthentication");
  const services = deriveServices({ serviceEntries, autoAddresses, mesh: settings, domainSuffix });
  const workloads = deriveWorkloads(configsOfKind<WorkloadEntry>(configs, "WorkloadEntry"), clusterId);
  const byNamespace = <T>(config: Config<T>): string[] => [config.key.namespace];
  return {
    settings,
    clusterId,
    domainSuffix,
    services,
    servicesByHost: new Group("services-of-host", services, (service) => [service.host]),
    httpServicesByAddress: new Group("http-services-by-address", services, ({ ports, addresses, autoAddresses }) =>
      ports.some(({ protocol }) => isHttp(protocol))
        ? [...addresses.filter((address) => !address.includes("/")), ...autoAddresses]
        : [],
    ),
    serviceInstances: deriveServiceInstances(services),
    workloads,
    workloadsByAddress: new Group("workloads-by-address", workloads, ({ namespace, addresses }) =>
      addresses.map((address) => `${namespace}/${address}`),
    ),
    endpoints: deriveEndpoints({ services, workloads, peerAuthentications, mesh: settings }),
    destinationRules: new Group("destination-rules-by-host", destinationRules, (config) => [
      resolveHost(config.spec.host, config.key.namespace, domainSuffix),
    ]),
    virtualServices: new Group("virtual-services-by-host", virtualServices, (config) =>
      isForMesh(config.spec)
        ? (config.spec.hosts ?? []).map((host) => resolveHost(host, config.key.namespace, domainSuffix))
        : [],
    ),
    peerAuthentications: new Group("peer-authentications-of-namespace", peerAuthentications, byNamespace),
    authorizationPolicies: new Group(
      "authorization-policies-of-namespace",
      configsOfKind<AuthorizationPolicy>(configs, "AuthorizationPolicy"),
      byNamespace,
    ),
    callerSelectors: deriveCallerSelectors({ virtualServices, destinationRules, settings }),
  };
}
