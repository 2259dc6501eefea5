// Debug pages about the mesh as data, named as istiod's where they show the same.
import type { Collection } from "../collection/collection.ts";
import { apiVersionOf } from "../config/kind.ts";
import { kinds } from "../config/kinds.ts";
import type { CompleteMeshConfig } from "../config/mesh-config/mesh-config.ts";
import type { Config } from "../config/object.ts";
import type { Endpoint } from "../model/endpoint.ts";
import type { Mesh } from "../model/mesh.ts";
import { type Service, serviceKey } from "../model/service.ts";
import type { AdsServer } from "../serve/ads/ads-server.ts";
import type { ConnectionLook } from "../serve/ads/connection-look.ts";
import type { DebugPage, DebugRequest } from "../serve/debug/debug-page.ts";
import { streamList, streamMap } from "../serve/debug/json-stream.ts";
import { findProxies } from "../serve/debug/proxy-lookup.ts";

export interface MeshPagesParts {
  configs: Collection<Config>;
  mesh: Mesh;
  meshConfig: CompleteMeshConfig;
  rootNamespace: string;
  ads: AdsServer;
}

/** istiod's words for how Envoy finds endpoints. */
const resolutions: Readonly<Record<Service["resolution"], string>> = {
  static: "ClientSideLB",
  dns: "DNSLB",
  "dns-round-robin": "DNSRoundRobinLB",
  none: "Passthrough",
};

export function meshPages({ configs, mesh, meshConfig, rootNamespace, ads }: MeshPagesParts): DebugPage[] {
  return [
    {
      name: "configz",
      help: "Every object that is in force, of all sources",
      usage: "?kind=KIND&namespace=NAMESPACE",
      show: ({ query }) => streamList(shownConfigs(configs, query)),
    },
    {
      name: "resourcesz",
      help: "Kinds that are served",
      show: () => kinds.map((kind) => ({ Group: kind.group, Version: kind.versions[0] ?? "", Kind: kind.kind })),
    },
    { name: "mesh", help: "The MeshConfig in force, with defaults", show: () => meshConfig },
    {
      name: "registryz",
      help: "Services of the mesh",
      show: () => streamList(mapped(mesh.services.values(), shownService)),
    },
    {
      name: "endpointShardz",
      help: "Endpoints of each service, by host and namespace",
      show: () => streamMap(shards(mesh)),
    },
    { name: "endpointz", help: "The same as endpointShardz", show: () => streamMap(shards(mesh)) },
    {
      name: "instancesz",
      help: "Services that each proxy is an endpoint of",
      usage: "?proxyID=NAME",
      show: ({ query }: DebugRequest) => {
        const proxyId = query.get("proxyID");
        const looks = proxyId === null ? ads.looks() : findProxies(ads.looks(), proxyId);
        return streamMap(mapped(looks, (look) => [look.client.node.id, instancesOf(look, mesh)] as const));
      },
    },
    {
      name: "authorizationz",
      help: "AuthorizationPolicies by namespace",
      show: () => ({
        authorization_policies: {
          namespace_to_policies: Object.fromEntries(
            [...mesh.authorizationPolicies.entries()].map(([namespace, policies]) => [
              namespace,
              policies.map(({ key, spec }) => ({ name: key.name, namespace: key.namespace, spec })),
            ]),
          ),
          root_namespace: rootNamespace,
        },
      }),
    },
  ];
}

function* mapped<T, U>(values: Iterable<T>, make: (value: T) => U): Iterable<U> {
  for (const value of values) yield make(value);
}

function* shownConfigs(configs: Collection<Config>, query: URLSearchParams): Iterable<unknown> {
  const kind = query.get("kind")?.toLowerCase();
  const namespace = query.get("namespace");
  const versions = new Map(kinds.map((each) => [`${each.group}/${each.kind}`, apiVersionOf(each)]));
  for (const { key, meta, spec, status, origin } of configs.values()) {
    if (kind !== undefined && key.kind.toLowerCase() !== kind) continue;
    if (namespace !== null && key.namespace !== namespace) continue;
    const { managedFields: _, ...metadata } = meta;
    yield {
      kind: key.kind,
      apiVersion: versions.get(`${key.group}/${key.kind}`) ?? key.group,
      metadata,
      spec,
      ...(status === undefined ? {} : { status }),
      ...(origin === undefined ? {} : { origin: `${origin.file}:${origin.line}` }),
    };
  }
}

function shownService(service: Service): unknown {
  return {
    hostname: service.host,
    Attributes: { ServiceRegistry: "External", Name: service.name, Namespace: service.namespace },
    ports: service.ports.map(({ name, number, protocol, targetPort }) => ({
      name,
      port: number,
      protocol,
      targetPort,
    })),
    addresses: service.addresses,
    autoAllocatedAddresses: service.autoAddresses,
    Resolution: resolutions[service.resolution],
    MeshExternal: service.external,
    visibility: service.visibility,
    sources: service.sources.map(({ kind, namespace, name }) => `${kind}/${namespace}/${name}`),
  };
}

function* shards(mesh: Mesh): Iterable<readonly [string, unknown]> {
  for (const [host, services] of mesh.servicesByHost.entries()) {
    const namespaces: [string, unknown][] = [];
    for (const { namespace } of services) {
      const found = mesh.endpoints.get(serviceKey(namespace, host));
      const shown = (found?.endpoints ?? []).map(shownEndpoint);
      namespaces.push([
        namespace,
        { Shards: { [mesh.clusterId]: shown }, ServiceAccounts: found?.serviceAccounts ?? [] },
      ]);
    }
    yield [host, Object.fromEntries(namespaces)];
  }
}

function shownEndpoint({ workload, ports, mtlsPorts }: Endpoint): unknown {
  return {
    Addresses: workload.addresses,
    WorkloadName: workload.name,
    Namespace: workload.namespace,
    Labels: workload.labels,
    ServiceAccount: workload.serviceAccount,
    Locality: workload.locality,
    Network: workload.network,
    LbWeight: workload.weight,
    HealthStatus: workload.healthy ? "Healthy" : "UnHealthy",
    /** Port of the service to port of the workload. */
    Ports: ports,
    MtlsPorts: mtlsPorts,
  };
}

/** By the proxy's addresses, in its own namespace: what its inbound listener is made for. */
function instancesOf({ client }: ConnectionLook, mesh: Mesh): unknown[] {
  const addresses = new Set(client.node.ips);
  const found: unknown[] = [];
  for (const service of mesh.services.values()) {
    if (service.namespace !== client.node.namespace) continue;
    const endpoints = mesh.endpoints.get(serviceKey(service.namespace, service.host))?.endpoints ?? [];
    const own = endpoints.find(
      ({ workload }) =>
        workload.namespace === client.node.namespace && workload.addresses.some((address) => addresses.has(address)),
    );
    if (own !== undefined) found.push({ hostname: service.host, namespace: service.namespace, ports: own.ports });
  }
  return found;
}
