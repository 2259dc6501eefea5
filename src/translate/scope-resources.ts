// One scope's views as resources: built once per view, shared by every proxy of the scope.

import { ClusterSchema } from "../../gen/envoy/config/cluster/v3/cluster_pb.ts";
import { ListenerSchema } from "../../gen/envoy/config/listener/v3/listener_pb.ts";
import { NameTableSchema } from "../../gen/istio/networking/nds/v1/nds_pb.ts";
import type { Collection } from "../collection/collection.ts";
import { Derived } from "../collection/derived.ts";
import { Group } from "../collection/group.ts";
import type { ClusterView } from "../model/cluster-view.ts";
import type { LoadAssignmentView } from "../model/load-assignment-view.ts";
import { defaultMeshSettings, type MeshSettings, meshSettingsKey } from "../model/mesh-settings.ts";
import type { OutboundListenerView } from "../model/outbound-listener-view.ts";
import type { PlacedVirtualHost, ScopeView } from "../model/scope-view.ts";
import type { Resource, ResourceName } from "../xds/resource.ts";
import { typeUrls } from "../xds/type-url.ts";
import { buildCluster } from "./cds/cluster.ts";
import { buildBlackHoleCluster, buildInboundPassthroughCluster, buildPassthroughCluster } from "./cds/mesh-clusters.ts";
import { encodeLoadAssignment } from "./eds/encoded-load-assignment.ts";
import type { InternedResources } from "./interned.ts";
import { buildOutboundListener } from "./lds/outbound-listener.ts";
import { buildVirtualOutbound } from "./lds/virtual-outbound.ts";
import { buildNameTable } from "./nds/name-table.ts";
import { composeRouteConfiguration, encodeVirtualHost, type VirtualHostFragment } from "./rds/route-configuration.ts";
import { buildCatchAllHost, buildVirtualHost } from "./rds/virtual-host.ts";
import { composedResource, encodedResource, resourceOf, sameResource, sameSources } from "./resource-of.ts";

/** Name of the one NameTable resource. */
const nameTableName = "mesh";

interface PlacedFragment {
  readonly port: number;
  readonly placed: PlacedVirtualHost;
  readonly fragment: VirtualHostFragment;
}

export class ScopeResources {
  /** By type URL; the sets of each type do not share names. */
  readonly sets: ReadonlyMap<string, readonly Collection<Resource>[]>;
  private readonly disposables: { dispose(): void }[] = [];
  private readonly interned: InternedResources;

  constructor(view: ScopeView, interned: InternedResources) {
    this.interned = interned;
    const settings = view.settings;
    const clusters = this.resources<ClusterView>("cds", view.clusters, (cluster) => {
      const needs: ResourceName[] | undefined =
        cluster.discovery === "eds" ? [{ typeUrl: typeUrls.endpoint, name: cluster.name }] : undefined;
      return [resourceOf(ClusterSchema, cluster.name, buildCluster(cluster), cluster.sources, needs)];
    });
    const meshClusters = this.resources<MeshSettings>("cds-mesh", settings, ({ connectTimeoutMs }) =>
      [
        buildPassthroughCluster(connectTimeoutMs),
        buildBlackHoleCluster(connectTimeoutMs),
        buildInboundPassthroughCluster(connectTimeoutMs, view.scope.ipv6),
      ].map((cluster) => resourceOf(ClusterSchema, cluster.name, cluster, [])),
    );
    const endpoints = this.resources<LoadAssignmentView>("eds", view.loadAssignments, (assignment) => [
      encodedResource(typeUrls.endpoint, assignment.cluster, encodeLoadAssignment(assignment), assignment.sources),
    ]);
    const virtualOutbound = this.resources<MeshSettings>("lds-virtual-outbound", settings, (mesh) => {
      const listener = buildVirtualOutbound(mesh, view.scope.ipv6);
      return [resourceOf(ListenerSchema, listener.name, listener, [])];
    });
    this.sets = new Map([
      [typeUrls.cluster, [clusters, meshClusters]],
      [typeUrls.endpoint, [endpoints]],
      // First what every other listener depends on.
      [typeUrls.listener, [virtualOutbound, this.listeners(view)]],
      [typeUrls.route, [this.routes(view)]],
      [typeUrls.nameTable, [this.nameTable(view)]],
    ]);
  }

  dispose(): void {
    for (const node of this.disposables.reverse()) node.dispose();
    this.disposables.length = 0;
  }

  private listeners(view: ScopeView): Collection<Resource> {
    return this.own(
      new Derived<OutboundListenerView, Resource>({
        name: "lds",
        from: view.listeners,
        uses: [view.settings],
        equals: sameResource,
        derive: (listener, name, read) => {
          const built = buildOutboundListener(
            listener,
            read.get(view.settings, meshSettingsKey) ?? defaultMeshSettings,
          );
          const needs: ResourceName[] | undefined =
            listener.kind === "wildcard" && listener.http
              ? [{ typeUrl: typeUrls.route, name: String(listener.port) }]
              : undefined;
          return [[name, this.interned.share(resourceOf(ListenerSchema, name, built, listener.sources, needs))]];
        },
      }),
    );
  }

  /** Virtual hosts are encoded one by one; a route configuration is put together from their bytes. */
  private routes(view: ScopeView): Collection<Resource> {
    const fragments = this.own(
      new Derived<PlacedVirtualHost, PlacedFragment>({
        name: "virtual-host-fragments",
        from: view.virtualHosts,
        equals: (a, b) =>
          a.fragment.version === b.fragment.version &&
          a.placed.virtualHost.rank === b.placed.virtualHost.rank &&
          sameSources(a.fragment.sources, b.fragment.sources),
        derive: (placed, key) => [
          [
            key,
            {
              port: placed.port,
              placed,
              fragment: encodeVirtualHost(buildVirtualHost(placed), placed.virtualHost.sources),
            },
          ],
        ],
      }),
    );
    const byPort = this.own(new Group("fragments-by-port", fragments, ({ port }) => [String(port)]));
    return this.own(
      new Derived<readonly PlacedFragment[], Resource>({
        name: "rds",
        from: byPort,
        uses: [view.settings],
        equals: sameResource,
        derive: (members, name, read) => {
          const { outboundTrafficPolicy } = read.get(view.settings, meshSettingsKey) ?? defaultMeshSettings;
          const catchAll = encodeVirtualHost(buildCatchAllHost(outboundTrafficPolicy), []);
          const virtualHosts = [...withoutSharedDomains(members), catchAll];
          const composed = composeRouteConfiguration(name, virtualHosts);
          return [[name, this.interned.share(composedResource(typeUrls.route, name, composed, virtualHosts))]];
        },
      }),
    );
  }

  private nameTable(view: ScopeView): Collection<Resource> {
    return this.own(
      new Derived<MeshSettings, Resource>({
        name: "nds",
        from: view.settings,
        uses: [view.names],
        equals: sameResource,
        derive: (_, __, read) => {
          const table = buildNameTable(read.all(view.names));
          return [[nameTableName, this.interned.share(resourceOf(NameTableSchema, nameTableName, table, []))]];
        },
      }),
    );
  }

  private resources<V>(name: string, from: Collection<V>, build: (view: V) => Resource[]): Collection<Resource> {
    return this.own(
      new Derived<V, Resource>({
        name,
        from,
        equals: sameResource,
        derive: (view) => build(view).map((resource) => [resource.name, this.interned.share(resource)] as const),
      }),
    );
  }

  private own<T extends { dispose(): void }>(node: T): T {
    this.disposables.push(node);
    return node;
  }
}

/**
 * Envoy refuses a route configuration in which two virtual hosts have the same domain. A host's own name is its own; of other
 * names and addresses, the first by rank has what several claim.
 */
function withoutSharedDomains(members: readonly PlacedFragment[]): VirtualHostFragment[] {
  const owners = new Map<string, PlacedFragment | undefined>([["*", undefined]]);
  const claim = (member: PlacedFragment, domain: string): void => {
    if (!owners.has(domain)) owners.set(domain, member);
  };
  for (const member of members) {
    const [host = ""] = member.fragment.domains;
    for (const domain of member.fragment.domains) if (domain === host || domain === `${host}.`) claim(member, domain);
  }
  const byRank = members.toSorted((a, b) => (a.placed.virtualHost.rank < b.placed.virtualHost.rank ? -1 : 1));
  for (const member of byRank) for (const domain of member.fragment.domains) claim(member, domain);
  return members.flatMap((member) => {
    const { placed, fragment } = member;
    const domains = fragment.domains.filter((domain) => owners.get(domain) === member);
    if (domains.length === fragment.domains.length) return [fragment];
    if (domains.length === 0) return [];
    const virtualHost = { ...placed.virtualHost, domains };
    return [encodeVirtualHost(buildVirtualHost({ ...placed, virtualHost }), virtualHost.sources)];
  });
}
