// What one scope sees, as collections of views. Each view is the single input of one translate function.
import type { Collection } from "../collection/collection.ts";
import { Derived } from "../collection/derived.ts";
import { Gradual } from "../collection/gradual.ts";
import type { Graph } from "../collection/graph.ts";
import { Group } from "../collection/group.ts";
import { Join } from "../collection/join.ts";
import type { CollectionNode } from "../collection/node.ts";
import type { Config } from "../config/object.ts";
import type { VirtualService } from "../config/virtual-service/virtual-service.ts";
import { type CallerFacts, type CallerIdentity, callerFacts, type ScopeTraits } from "./caller.ts";
import { type ClusterView, clusterViews } from "./cluster-view.ts";
import { type Hostname, localHostsOf } from "./hostname.ts";
import { type LoadAssignmentView, loadAssignmentViews } from "./load-assignment-view.ts";
import type { Mesh } from "./mesh.ts";
import type { MeshSettings } from "./mesh-settings.ts";
import { type NameEntry, nameEntry } from "./name-table-view.ts";
import {
  type ConnectionPiece,
  connectionPieces,
  type HttpPiece,
  httpPieces,
  listenerName,
  type OutboundListenerView,
  outboundListenerView,
  ownBlocks,
  wildcardListenerName,
} from "./outbound-listener-view.ts";
import { isHttp } from "./protocol.ts";
import { ScopeReads } from "./scope-reads.ts";
import { type Service, serviceKey } from "./service.ts";
import { hostVirtualHost, serviceVirtualHost, type VirtualHostView } from "./virtual-host-view.ts";
import { deriveVisibleServices } from "./visible-service.ts";

/** A virtual host and the port of the route configuration it is in. */
export interface PlacedVirtualHost {
  readonly port: number;
  readonly virtualHost: VirtualHostView;
}

/** For whom a view is. */
export interface Audience {
  readonly traits: ScopeTraits;
  /** Of a caller that may be anybody, nothing: what layers for those of each namespace, or with labels, are made over. */
  readonly identity: Partial<CallerIdentity>;
}

/** Services that one step of filling takes up: a few milliseconds of work with all that is made of them. */
const stepSize = 12;

/** Istio puts hosts that no service has into the route configuration of this port. */
const serviceLessPort = 80;

/** Of a port of HTTP its number, of other listeners what they are made of. */
type ListenerDemand = number | readonly ConnectionPiece[];

export class ScopeView {
  readonly traits: ScopeTraits;
  /** What all that depends on the caller's namespace or labels reads. */
  readonly facts: CallerFacts;
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
  /** All collections of the view, in the order they were made. */
  readonly nodes: (CollectionNode<unknown> & { dispose(): void })[] = [];
  /** What is let in one after the other while the view is filled. */
  private readonly gates: Gradual<unknown>[] = [];

  /** The view is empty before `fill`. */
  constructor(mesh: Mesh, graph: Graph, audience: Audience) {
    const { traits, identity } = audience;
    const who = identity.namespace ?? "anybody";
    this.traits = traits;
    this.facts = callerFacts(graph, identity);
    this.settings = mesh.settings;
    const { facts } = this;
    const servicesByHost = this.gate(mesh.servicesByHost);
    const hostsOfRules = this.gate(mesh.virtualServices);
    const services = this.own(deriveVisibleServices(servicesByHost, facts, mesh.domainSuffix));
    const reads = new ScopeReads({ mesh, services, traits, facts });
    this.clusters = this.own(
      new Derived<Service, ClusterView>({
        name: `clusters(${who})`,
        from: services,
        uses: [facts, mesh.endpoints, mesh.destinationRules, mesh.settings],
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
        name: `load-assignments(${who})`,
        from: services,
        uses: [facts, mesh.endpoints, mesh.destinationRules, mesh.settings],
        derive: (service, _, read) =>
          loadAssignmentViews(
            service,
            read.get(mesh.endpoints, serviceKey(service.namespace, service.host)),
            reads.rules(service, read),
          ).map((view) => [view.cluster, view]),
      }),
    );
    const ofRules = [facts, services, mesh.virtualServices, mesh.destinationRules, mesh.settings];
    const serviceHosts = this.own(
      new Derived<Service, PlacedVirtualHost>({
        name: `virtual-hosts(${who})`,
        from: services,
        uses: ofRules,
        derive: (service, _, read) => {
          const virtualService = reads.virtualService(service.host, read);
          const [caller, lookup] = [reads.caller(read), reads.lookup(read)];
          return service.ports
            .filter((port) => isHttp(port.protocol))
            .map(({ number: port }) => [
              `${port}/${service.host}`,
              { port, virtualHost: serviceVirtualHost(service, port, virtualService, caller, lookup) },
            ]);
        },
      }),
    );
    const otherHosts = this.own(
      new Derived<readonly Config<VirtualService>[], PlacedVirtualHost>({
        name: `service-less-hosts(${who})`,
        from: hostsOfRules,
        uses: ofRules,
        derive: (_, host, read) => {
          if (read.get(services, host) !== undefined) return [];
          const virtualService = reads.virtualService(host as Hostname, read);
          // Only the object that names this very host: a wildcard's own virtual host is made under the wildcard.
          if (virtualService?.spec.http === undefined || !reads.names(virtualService, host)) return [];
          const isShortForm = localHostsOf(host as Hostname, mesh.domainSuffix).some(
            (local) => read.get(services, local) !== undefined,
          );
          const caller = reads.caller(read);
          if (isShortForm && !caller.is(virtualService.key.namespace)) return [];
          const view = hostVirtualHost(host, serviceLessPort, virtualService, caller, reads.lookup(read));
          return [[`${serviceLessPort}/${host}`, { port: serviceLessPort, virtualHost: view }]];
        },
      }),
    );
    this.virtualHosts = this.own(new Join(`all-virtual-hosts(${who})`, [serviceHosts, otherHosts]));
    this.listeners = this.deriveListeners(mesh, services, reads, who);
    this.names = this.own(
      new Derived<Service, NameEntry>({
        name: `names(${who})`,
        from: services,
        derive: (service, host) => {
          const entry = nameEntry(service, traits, mesh.domainSuffix);
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
    for (const node of this.nodes.reverse()) node.dispose();
    this.nodes.length = 0;
  }

  /** Services of HTTP have one listener for each port, however many they are: those that nobody else shares are not gathered. */
  private deriveListeners(
    mesh: Mesh,
    services: Collection<Service>,
    reads: ScopeReads,
    who: string,
  ): Collection<OutboundListenerView> {
    const { facts } = this;
    const httpListeners = this.own(
      new Derived<Service, ListenerDemand>({
        name: `http-listeners(${who})`,
        from: services,
        derive: ({ ports }) =>
          ports
            .filter(({ protocol }) => isHttp(protocol))
            .map(({ number: port }): [string, number] => [wildcardListenerName(port), port]),
      }),
    );
    const connections = this.own(
      new Derived<Service, ConnectionPiece>({
        name: `connection-pieces(${who})`,
        from: services,
        uses: [facts, services, mesh.virtualServices, mesh.destinationRules, mesh.settings],
        derive: (service, host, read) => {
          if (service.ports.every(({ protocol }) => isHttp(protocol))) return [];
          const virtualService = reads.virtualService(service.host, read);
          return connectionPieces(service, virtualService, reads.caller(read), reads.lookup(read)).map(
            (piece, index) => [`${host}#${index}`, piece],
          );
        },
      }),
    );
    const connectionPorts = this.own(
      new Derived<ConnectionPiece, true>({
        name: `connection-ports(${who})`,
        from: connections,
        derive: ({ port }) => [[String(port), true]],
      }),
    );
    const http = this.own(
      new Derived<Service, HttpPiece>({
        name: `http-pieces(${who})`,
        from: services,
        uses: [facts, connectionPorts],
        derive: (service, host, read) =>
          httpPieces(service, reads.caller(read), (port) => read.get(connectionPorts, String(port)) === true).map(
            (piece, index) => [`${host}#${index}`, piece],
          ),
      }),
    );
    const httpByPort = this.own(new Group(`http-by-port(${who})`, http, ({ port }) => [String(port)]));
    const ofOwnBlocks = (piece: ConnectionPiece | HttpPiece): string[] =>
      ownBlocks(piece) === undefined ? [] : [String(piece.port)];
    const ownConnections = this.own(new Group(`own-blocks(${who})`, connections, ofOwnBlocks));
    const ownHttp = this.own(new Group(`own-blocks-of-http(${who})`, http, ofOwnBlocks));
    const byListener = this.own(
      new Group<ConnectionPiece>(`pieces-by-listener(${who})`, connections, (piece) => [listenerName(piece)]),
    );
    const demanded = this.own(new Join<ListenerDemand>(`demanded-listeners(${who})`, [byListener, httpListeners]));
    return this.own(
      new Derived<ListenerDemand, OutboundListenerView>({
        name: `listeners(${who})`,
        from: this.gate(demanded),
        uses: [
          ...[facts, services, httpListeners, httpByPort, ownConnections, ownHttp],
          ...[mesh.httpServicesByAddress, mesh.settings],
        ],
        derive: (demand, name, read) => {
          const port = read.get(httpListeners, name);
          const pieces = typeof demand === "number" ? [] : demand;
          const atPort = (): readonly HttpPiece[] =>
            pieces.length === 0 ? [] : (read.get(httpByPort, String(port)) ?? []);
          const view = outboundListenerView(
            pieces,
            typeof port === "number" ? { port, pieces: atPort() } : undefined,
            this.traits,
            reads.settings(read),
            {
              http: (address, at) => reads.httpAt(address, at, read),
              ownBlocks: (at) =>
                [...(read.get(ownConnections, String(at)) ?? []), ...(read.get(ownHttp, String(at)) ?? [])].flatMap(
                  (piece) => ownBlocks(piece) ?? [],
                ),
            },
          );
          return view === undefined ? [] : [[name, view]];
        },
      }),
    );
  }

  private own<T extends { dispose(): void }>(node: T): T {
    this.nodes.push(node as unknown as CollectionNode<unknown> & { dispose(): void });
    return node;
  }
}
