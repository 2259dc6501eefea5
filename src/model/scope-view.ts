// What one scope sees, as collections of views. Each view is the single input of one translate function.
import type { Collection } from "../collection/collection.ts";
import type { Reader } from "../collection/derivation.ts";
import { Derived } from "../collection/derived.ts";
import { Gradual } from "../collection/gradual.ts";
import { Group } from "../collection/group.ts";
import { Join } from "../collection/join.ts";
import type { Config } from "../config/object.ts";
import type { VirtualService } from "../config/virtual-service/virtual-service.ts";
import { type ClusterView, clusterViews } from "./cluster-view.ts";
import type { DestinationLookup } from "./destination.ts";
import { type HostRules, selectRules } from "./destination-rule.ts";
import { coveringHosts, type Hostname, localHostsOf, resolveHost } from "./hostname.ts";
import { type LoadAssignmentView, loadAssignmentViews } from "./load-assignment-view.ts";
import type { Mesh } from "./mesh.ts";
import { defaultMeshSettings, type MeshSettings, meshSettingsKey } from "./mesh-settings.ts";
import { type NameEntry, nameEntry } from "./name-table-view.ts";
import {
  type ListenerPiece,
  listenerName,
  listenerPieces,
  type OutboundListenerView,
  outboundListenerView,
  ownBlocks,
} from "./outbound-listener-view.ts";
import { isHttp } from "./protocol.ts";
import type { Scope } from "./scope.ts";
import { type Service, serviceKey } from "./service.ts";
import { hostVirtualHost, serviceVirtualHost, type VirtualHostView } from "./virtual-host-view.ts";
import { selectVirtualService } from "./virtual-service.ts";
import { type AddressClaim, addressClaim, addressesOf, deriveVisibleServices } from "./visible-service.ts";

/** A virtual host and the port of the route configuration it is in. */
export interface PlacedVirtualHost {
  readonly port: number;
  readonly virtualHost: VirtualHostView;
}

/** Services that one step of filling takes up: a few milliseconds of work with all that is made of them. */
const stepSize = 12;

/** Istio puts hosts that no service has into the route configuration of this port. */
const serviceLessPort = 80;

export class ScopeView {
  readonly scope: Scope;
  /** By cluster name. */
  readonly clusters: Collection<ClusterView>;
  /** By cluster name. */
  readonly loadAssignments: Collection<LoadAssignmentView>;
  /** By `port/host`. */
  readonly virtualHosts: Collection<PlacedVirtualHost>;
  /** By listener name. */
  readonly listeners: Collection<OutboundListenerView>;
  /** By host. */
  readonly names: Collection<NameEntry>;
  readonly settings: Collection<MeshSettings>;
  private readonly disposables: { dispose(): void }[] = [];
  /** What is let in one after the other while the view is filled. */
  private readonly gates: Gradual<unknown>[] = [];

  /** The view is empty before `fill`. */
  constructor(mesh: Mesh, scope: Scope) {
    this.scope = scope;
    this.settings = mesh.settings;
    const servicesByHost = this.gate(mesh.servicesByHost);
    const hostsOfRules = this.gate(mesh.virtualServices);
    const services = this.own(deriveVisibleServices(servicesByHost, scope, mesh.domainSuffix));
    const reads = new ScopeReads(mesh, services, scope);
    this.clusters = this.own(
      new Derived<Service, ClusterView>({
        name: `clusters(${scope.namespace})`,
        from: services,
        uses: [mesh.endpoints, mesh.destinationRules, mesh.settings],
        derive: (service, _, read) =>
          clusterViews(
            service,
            read.get(mesh.endpoints, serviceKey(service.namespace, service.host)),
            reads.rules(service, read),
            reads.settings(read),
          ).map((view) => [view.name, view]),
      }),
    );
    this.loadAssignments = this.own(
      new Derived<Service, LoadAssignmentView>({
        name: `load-assignments(${scope.namespace})`,
        from: services,
        uses: [mesh.endpoints, mesh.destinationRules, mesh.settings],
        derive: (service, _, read) =>
          loadAssignmentViews(
            service,
            read.get(mesh.endpoints, serviceKey(service.namespace, service.host)),
            reads.rules(service, read),
          ).map((view) => [view.cluster, view]),
      }),
    );
    const serviceHosts = this.own(
      new Derived<Service, PlacedVirtualHost>({
        name: `virtual-hosts(${scope.namespace})`,
        from: services,
        uses: [services, mesh.virtualServices, mesh.destinationRules, mesh.settings],
        derive: (service, _, read) => {
          const virtualService = reads.virtualService(service.host, read);
          return service.ports
            .filter((port) => isHttp(port.protocol))
            .map(({ number: port }) => [
              `${port}/${service.host}`,
              { port, virtualHost: serviceVirtualHost(service, port, virtualService, scope, reads.lookup(read)) },
            ]);
        },
      }),
    );
    const otherHosts = this.own(
      new Derived<readonly Config<VirtualService>[], PlacedVirtualHost>({
        name: `service-less-hosts(${scope.namespace})`,
        from: hostsOfRules,
        uses: [services, mesh.virtualServices, mesh.destinationRules, mesh.settings],
        derive: (_, host, read) => {
          if (read.get(services, host) !== undefined) return [];
          const virtualService = reads.virtualService(host as Hostname, read);
          // Only the object that names this very host: a wildcard's own virtual host is made under the wildcard.
          if (virtualService?.spec.http === undefined || !reads.names(virtualService, host)) return [];
          const isShortForm = localHostsOf(host as Hostname, mesh.domainSuffix).some(
            (local) => read.get(services, local) !== undefined,
          );
          if (isShortForm && virtualService.key.namespace !== scope.namespace) return [];
          const view = hostVirtualHost(host, serviceLessPort, virtualService, scope, reads.lookup(read));
          return [[`${serviceLessPort}/${host}`, { port: serviceLessPort, virtualHost: view }]];
        },
      }),
    );
    this.virtualHosts = this.own(new Join(`all-virtual-hosts(${scope.namespace})`, [serviceHosts, otherHosts]));
    const pieces = this.own(
      new Derived<Service, ListenerPiece>({
        name: `listener-pieces(${scope.namespace})`,
        from: services,
        uses: [services, mesh.virtualServices, mesh.destinationRules, mesh.settings],
        derive: (service, host, read) =>
          listenerPieces(service, reads.virtualService(service.host, read), scope, reads.lookup(read)).map(
            (piece, index) => [`${host}#${index}`, piece],
          ),
      }),
    );
    const piecesByListener = this.own(
      new Group(`pieces-by-listener(${scope.namespace})`, pieces, (piece) => [listenerName(piece)]),
    );
    const ownBlocksByPort = this.own(
      new Group(`own-blocks(${scope.namespace})`, pieces, (piece) =>
        ownBlocks(piece) === undefined ? [] : [String(piece.port)],
      ),
    );
    this.listeners = this.own(
      new Derived<readonly ListenerPiece[], OutboundListenerView>({
        name: `listeners(${scope.namespace})`,
        from: this.gate(piecesByListener),
        uses: [services, ownBlocksByPort, mesh.httpServicesByAddress, mesh.settings],
        derive: (members, name, read) => {
          const view = outboundListenerView(members, scope, reads.settings(read), {
            http: (address, port) => reads.httpAt(address, port, read),
            ownBlocks: (port) =>
              (read.get(ownBlocksByPort, String(port)) ?? []).flatMap((piece) => ownBlocks(piece) ?? []),
          });
          return view === undefined ? [] : [[name, view]];
        },
      }),
    );
    this.names = this.own(
      new Derived<Service, NameEntry>({
        name: `names(${scope.namespace})`,
        from: services,
        derive: (service, host) => {
          const entry = nameEntry(service, scope, mesh.domainSuffix);
          return entry === undefined ? [] : [[host, entry]];
        },
      }),
    );
  }

  /** Takes up some more of the mesh, a few milliseconds of work; false where there is no more. */
  fill(): boolean {
    const gate = this.gates.find((each) => !each.open);
    gate?.release(stepSize);
    return gate !== undefined;
  }

  /** Takes up all of the mesh. */
  fillAtOnce(): void {
    for (const gate of this.gates) gate.release(Number.POSITIVE_INFINITY);
  }

  /** The collection, once the view is filled: for what is put together from many parts. */
  gate<T>(from: Collection<T>): Collection<T> {
    const gate = this.own(new Gradual<T>(`${from.name}, gradually`, from));
    this.gates.push(gate as Gradual<unknown>);
    return gate;
  }

  /** Takes the scope's collections out of the graph; nobody may use them any more. */
  dispose(): void {
    for (const node of this.disposables.reverse()) node.dispose();
    this.disposables.length = 0;
  }

  private own<T extends { dispose(): void }>(node: T): T {
    this.disposables.push(node);
    return node;
  }
}

/** The look-ups that several derivations of a scope share; every one goes through the Reader, so it is a dependency. */
class ScopeReads {
  private readonly mesh: Mesh;
  private readonly services: Collection<Service>;
  private readonly scope: Scope;

  constructor(mesh: Mesh, services: Collection<Service>, scope: Scope) {
    this.mesh = mesh;
    this.services = services;
    this.scope = scope;
  }

  settings(read: Reader): MeshSettings {
    return read.get(this.mesh.settings, meshSettingsKey) ?? defaultMeshSettings;
  }

  rules(service: Service, read: Reader): HostRules {
    const candidates = coveringHosts(service.host).map((host) => read.get(this.mesh.destinationRules, host) ?? []);
    return selectRules(candidates, service, this.scope, this.settings(read));
  }

  virtualService(host: Hostname, read: Reader): Config<VirtualService> | undefined {
    const candidates = coveringHosts(host).map((name) => read.get(this.mesh.virtualServices, name) ?? []);
    return selectVirtualService(candidates, this.scope.namespace, this.settings(read).defaultVirtualServiceExportTo);
  }

  /** Claims of the services that the scope sees with HTTP at an address. */
  httpAt(address: string, port: number, read: Reader): AddressClaim[] {
    const there = read.get(this.mesh.httpServicesByAddress, address) ?? [];
    return there.flatMap(({ host, namespace, ports }) => {
      if (!ports.some(({ number, protocol }) => number === port && isHttp(protocol))) return [];
      const seen = read.get(this.services, host);
      const isThere = seen?.namespace === namespace && addressesOf(seen, this.scope).includes(address);
      return isThere ? [addressClaim(seen, this.scope)] : [];
    });
  }

  /** True where the VirtualService names the host itself. */
  names(config: Config<VirtualService>, host: string): boolean {
    const { namespace } = config.key;
    return (config.spec.hosts ?? []).some((name) => resolveHost(name, namespace, this.mesh.domainSuffix) === host);
  }

  lookup(read: Reader): DestinationLookup {
    return {
      service: (host) => read.get(this.services, host),
      rules: (service) => this.rules(service, read),
      domainSuffix: this.mesh.domainSuffix,
    };
  }
}
