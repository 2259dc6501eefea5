// One scope's views as resources: built once per view, shared by every proxy of the scope.

import { ClusterSchema } from "../../gen/envoy/config/cluster/v3/cluster_pb.ts";
import { ListenerSchema } from "../../gen/envoy/config/listener/v3/listener_pb.ts";
import type { Collection } from "../collection/collection.ts";
import { Derived } from "../collection/derived.ts";
import { Fixed } from "../collection/fixed.ts";
import { Join } from "../collection/join.ts";
import type { CollectionNode } from "../collection/node.ts";
import type { ClusterView } from "../model/cluster-view.ts";
import type { LoadAssignmentView } from "../model/load-assignment-view.ts";
import { defaultMeshSettings, type MeshSettings, meshSettingsKey } from "../model/mesh-settings.ts";
import type { NameEntry } from "../model/name-table-view.ts";
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
import { type EncodedName, encodeName, NameTables, noName } from "./nds/name-tables.ts";
import { LostDomains } from "./rds/lost-domains.ts";
import { encodeVirtualHost, type VirtualHostFragment } from "./rds/route-configuration.ts";
import { type PlacedFragment, RouteConfigurations } from "./rds/route-configurations.ts";
import { RouteParts } from "./rds/route-parts.ts";
import { buildCatchAllHost, buildVirtualHost } from "./rds/virtual-host.ts";
import { distinctRefs, resourceOf, sameFragments, sameResource } from "./resource-of.ts";
import type { ResourceSets } from "./served-half.ts";

/** Where the virtual host stands that takes what no other does: behind every name of a host. */
const lastPosition = "~";

export class ScopeResources {
  /** By type URL; the sets of each type do not share names. */
  readonly sets: ResourceSets;
  /** All collections that resources are made in, in the order they were made. */
  readonly nodes: (CollectionNode<unknown> & { dispose(): void })[] = [];
  private readonly interned: InternedResources;
  private readonly compositions: { begin(): void }[] = [];

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
        buildInboundPassthroughCluster(connectTimeoutMs, view.traits.ipv6),
      ].map((cluster) => resourceOf(ClusterSchema, cluster.name, cluster, [])),
    );
    const endpoints = this.resources<LoadAssignmentView>("eds", view.loadAssignments, (assignment) => {
      const { body, version } = encodeLoadAssignment(assignment);
      const { cluster, sources } = assignment;
      return [{ typeUrl: typeUrls.endpoint, name: cluster, version, body, sources: distinctRefs(sources) }];
    });
    const virtualOutbound = this.resources<MeshSettings>("lds-virtual-outbound", settings, (mesh) => {
      const listener = buildVirtualOutbound(mesh, view.traits.ipv6);
      return [resourceOf(ListenerSchema, listener.name, listener, [])];
    });
    const routes = this.routes(view);
    this.sets = new Map([
      [typeUrls.cluster, [clusters, meshClusters]],
      [typeUrls.endpoint, [endpoints]],
      // First what every other listener depends on.
      [typeUrls.listener, [virtualOutbound, this.listeners(view)]],
      [typeUrls.route, [routes]],
      [typeUrls.routePart, [this.own(new RouteParts("route-parts", routes, this.interned))]],
      [typeUrls.nameTable, [this.nameTable(view)]],
    ]);
  }

  /** The view holds all of the mesh that it is to hold: what is put together of many parts can be. */
  complete(): void {
    for (const composition of this.compositions) composition.begin();
  }

  dispose(): void {
    for (const node of this.nodes.reverse()) node.dispose();
    this.nodes.length = 0;
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
    const lost = this.own(new LostDomains("lost-domains", view.virtualHosts));
    const fragments = this.own(
      new Derived<PlacedVirtualHost, PlacedFragment>({
        name: "virtual-host-fragments",
        from: view.virtualHosts,
        uses: [lost],
        equals: (a, b) => sameFragments(listOf(a.fragment), listOf(b.fragment)),
        derive: ({ port, virtualHost }, key, read) => {
          const position = key.slice(key.indexOf("/") + 1);
          const taken = read.get(lost, key) ?? [];
          const domains = virtualHost.domains.filter((domain) => !taken.includes(domain));
          const built = { port, virtualHost: { ...virtualHost, domains } };
          const fragment =
            domains.length === 0
              ? undefined
              : encodeVirtualHost(buildVirtualHost(built), position, virtualHost.sources);
          return [[key, { port, position, fragment }]];
        },
      }),
    );
    const catchAll = this.own(
      new Derived<MeshSettings, VirtualHostFragment>({
        name: "catch-all-fragment",
        from: view.settings,
        equals: (a, b) => a.version === b.version,
        derive: ({ outboundTrafficPolicy }, key) => [
          [key, encodeVirtualHost(buildCatchAllHost(outboundTrafficPolicy), lastPosition, [])],
        ],
      }),
    );
    return this.compose(new RouteConfigurations("rds", fragments, catchAll, this.interned));
  }

  private nameTable(view: ScopeView): Collection<Resource> {
    const encoded = this.own(
      new Derived<NameEntry, EncodedName>({
        name: "encoded-names",
        from: view.names,
        equals: (a, b) => a.version === b.version,
        derive: (entry, host) => [[host, encodeName(entry)]],
      }),
    );
    const none = new Fixed<EncodedName>(encoded.graph, "no-name", [["", noName]]);
    return this.compose(new NameTables("nds", this.own(new Join("all-names", [encoded, none])), this.interned));
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

  private compose<T extends { begin(): void; dispose(): void }>(node: T): T {
    this.compositions.push(node);
    return this.own(node);
  }

  private own<T extends { dispose(): void }>(node: T): T {
    this.nodes.push(node as unknown as CollectionNode<unknown> & { dispose(): void });
    return node;
  }
}

function listOf<T>(item: T | undefined): T[] {
  return item === undefined ? [] : [item];
}
