// Everything that decides one outbound listener.
import type { Config } from "../config/object.ts";
import type { VirtualService } from "../config/virtual-service/virtual-service.ts";
import { type ClusterName, outboundClusterName } from "./cluster-name.ts";
import { type DestinationLookup, resolveDestination } from "./destination.ts";
import { isHttp, isOpaqueTls } from "./protocol.ts";
import type { Scope } from "./scope.ts";
import type { Service, ServicePort } from "./service.ts";
import type { SourceRef } from "./source-ref.ts";
import { addressesOf } from "./visible-service.ts";

export interface TcpDestination {
  readonly cluster: ClusterName;
  readonly weight: number;
}

/** A TCP proxy for one service. */
export interface TcpChain {
  readonly host: string;
  readonly serviceName: string;
  readonly serviceNamespace: string;
  /** SNI this chain takes; empty: any. */
  readonly serverNames: readonly string[];
  readonly destinations: readonly TcpDestination[];
}

export type OutboundListenerView =
  /** All addresses of one port: HTTP by route configuration, TLS by SNI, or one TCP service without address. */
  | {
      readonly kind: "wildcard";
      readonly port: number;
      readonly http: boolean;
      readonly tls: readonly TcpChain[];
      readonly tcp: TcpChain | undefined;
      readonly sources: readonly SourceRef[];
    }
  /** One address of one service. */
  | {
      readonly kind: "address";
      readonly address: string;
      readonly port: number;
      readonly chain: TcpChain;
      readonly sources: readonly SourceRef[];
    };

/** What a service adds to the listeners of a scope. */
export type ListenerPiece = HttpPiece | TcpPiece | AddressPiece;

interface HttpPiece {
  readonly kind: "http";
  readonly port: number;
  readonly service: Service;
}

interface TcpPiece {
  /** Without an address of its own: found by SNI, or by port alone. */
  readonly kind: "tls" | "tcp";
  readonly port: number;
  readonly service: Service;
  readonly chain: TcpChain;
}

interface AddressPiece {
  readonly kind: "address";
  readonly address: string;
  readonly port: number;
  readonly service: Service;
  readonly chain: TcpChain;
}

/** Key of the listener that a piece belongs to: Istio's listener name. */
export function listenerName(piece: ListenerPiece): string {
  return `${piece.kind === "address" ? piece.address : "0.0.0.0"}_${piece.port}`;
}

export function listenerPieces(
  service: Service,
  virtualService: Config<VirtualService> | undefined,
  scope: Scope,
  lookup: DestinationLookup,
): ListenerPiece[] {
  const pieces: ListenerPiece[] = [];
  for (const port of service.ports) {
    if (isHttp(port.protocol)) {
      pieces.push({ kind: "http", port: port.number, service });
      continue;
    }
    const chain = tcpChain(service, port, virtualService, lookup);
    const addresses = addressesOf(service, scope).filter((address) => !address.includes("/"));
    for (const address of addresses) pieces.push({ kind: "address", address, port: port.number, service, chain });
    if (addresses.length > 0) continue;
    if (isOpaqueTls(port.protocol))
      pieces.push({ kind: "tls", port: port.number, service, chain: { ...chain, serverNames: [service.host] } });
    else pieces.push({ kind: "tcp", port: port.number, service, chain });
  }
  return pieces;
}

function tcpChain(
  service: Service,
  port: ServicePort,
  virtualService: Config<VirtualService> | undefined,
  lookup: DestinationLookup,
): TcpChain {
  const route = virtualService?.spec.tcp?.find(
    (candidate) =>
      candidate.match === undefined ||
      candidate.match.length === 0 ||
      candidate.match.some((match) => match.port === undefined || match.port === port.number),
  );
  const destinations =
    virtualService === undefined || route?.route === undefined || route.route.length === 0
      ? [{ cluster: outboundClusterName(service.host, port.number), weight: 100 }]
      : route.route.map((destination) => ({
          cluster: resolveDestination(destination.destination, virtualService.key.namespace, port.number, lookup)
            .cluster,
          weight: destination.weight ?? (route.route?.length === 1 ? 100 : 0),
        }));
  return {
    host: service.host,
    serviceName: service.name,
    serviceNamespace: service.namespace,
    serverNames: [],
    destinations,
  };
}

/** Puts the pieces of one listener together. Where TCP services share a port without addresses, the oldest has it. */
export function outboundListenerView(pieces: readonly ListenerPiece[]): OutboundListenerView | undefined {
  const [first] = pieces;
  if (first === undefined) return undefined;
  const oldest = [...pieces].sort((a, b) => age(a.service).localeCompare(age(b.service)));
  const sources = pieces.flatMap((piece) => piece.service.sources);
  if (first.kind === "address") {
    const winner = oldest[0] as AddressPiece;
    return {
      kind: "address",
      address: winner.address,
      port: winner.port,
      chain: winner.chain,
      sources: winner.service.sources,
    };
  }
  const tcp = oldest.find((piece): piece is TcpPiece => piece.kind === "tcp");
  return {
    kind: "wildcard",
    port: first.port,
    http: pieces.some((piece) => piece.kind === "http"),
    tls: oldest.filter((piece): piece is TcpPiece => piece.kind === "tls").map((piece) => piece.chain),
    tcp: tcp?.chain,
    sources: pieces.some((piece) => piece.kind === "http") ? [] : sources,
  };
}

function age(service: Service): string {
  return `${service.entries[0]?.meta.creationTimestamp ?? ""}/${service.namespace}/${service.host}`;
}
