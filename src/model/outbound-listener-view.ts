// Everything that decides one outbound listener.
import { isListenerPort, type ListenPorts } from "../config/listener-port.ts";
import type { Config } from "../config/object.ts";
import type { VirtualService } from "../config/virtual-service/virtual-service.ts";
import { type ClaimedBlocks, type ClaimedChains, isInAnothersBlock, oneSpelling, sharePort } from "./address-owner.ts";
import type { Caller } from "./caller.ts";
import type { DestinationLookup } from "./destination.ts";
import { isHttp, isOpaqueTls } from "./protocol.ts";
import type { Service } from "./service.ts";
import { type SourceRef, sourceRefOf } from "./source-ref.ts";
import { type TcpChain, tcpChains, withoutEqualMatches } from "./tcp-chain.ts";
import { type AddressClaim, addressClaim, addressesOf } from "./visible-service.ts";

export type OutboundListenerView =
  /** All addresses of one port: HTTP by route configuration, other connections by the chains. */
  | {
      readonly kind: "wildcard";
      readonly port: number;
      /** The machine does IPv6: connections to such addresses come to the listener too. */
      readonly ipv6: boolean;
      readonly http: boolean;
      /** CIDR blocks of HTTP inside those of the chains. */
      readonly httpBlocks: readonly string[];
      readonly chains: readonly TcpChain[];
      readonly sources: readonly SourceRef[];
    }
  /** One address of one service. */
  | {
      readonly kind: "address";
      readonly address: string;
      readonly port: number;
      readonly chains: readonly TcpChain[];
      readonly sources: readonly SourceRef[];
    };

/** What a service adds to the listeners of a scope for connections that are not HTTP. */
export type ConnectionPiece = WildcardPiece | AddressPiece;

/** What a service has of a port of HTTP. */
export interface HttpPiece extends ClaimedBlocks {
  readonly port: number;
}

interface ChainPiece extends ClaimedChains {
  readonly port: number;
  readonly sources: readonly SourceRef[];
}

interface WildcardPiece extends ChainPiece {
  readonly kind: "wildcard";
}

interface AddressPiece extends ChainPiece {
  readonly kind: "address";
  readonly address: string;
}

/** The HTTP of a port. */
export interface HttpPort {
  readonly port: number;
  /** Of all its services where some piece has chains; they are not looked at elsewhere. */
  readonly pieces: readonly HttpPiece[];
}

/** What services beside those of a listener claim of its address. */
export interface AddressRivals {
  /** Services with HTTP at the address and port. */
  http(address: string, port: number): readonly AddressClaim[];
  /** What services of the caller's own namespace have of a port, as `ownBlocks` gives it. */
  ownBlocks(port: number): readonly ClaimedBlocks[];
}

/** Key of the listener that a piece belongs to: Istio's listener name. */
export function listenerName(piece: ConnectionPiece): string {
  return piece.kind === "address" ? `${piece.address}_${piece.port}` : wildcardListenerName(piece.port);
}

/** The listener of all addresses of a port. */
export function wildcardListenerName(port: number): string {
  return `0.0.0.0_${port}`;
}

export function connectionPieces(
  service: Service,
  virtualService: Config<VirtualService> | undefined,
  caller: Caller,
  lookup: DestinationLookup,
): ConnectionPiece[] {
  const pieces: ConnectionPiece[] = [];
  const ports = service.ports.filter(({ protocol }) => !isHttp(protocol));
  if (ports.length === 0) return pieces;
  const all = addressesOf(service, caller);
  const addresses = all.filter((address) => !address.includes("/"));
  const blocks = all.flatMap((address) => (address.includes("/") ? oneSpelling(address) : []));
  const claim = addressClaim(service, caller);
  const sources = [...service.sources, ...(virtualService === undefined ? [] : [sourceRefOf(virtualService)])];
  for (const port of ports) {
    const chainsAt = (at: readonly string[]) => tcpChains(service, port, virtualService, caller, lookup, at);
    const common = { port: port.number, claim, sources };
    for (const address of addresses) pieces.push({ kind: "address", address, chains: chainsAt([]), ...common });
    if (addresses.length > 0 && blocks.length === 0) continue;
    const chains = chainsAt(blocks);
    pieces.push({
      kind: "wildcard",
      chains: isOpaqueTls(port.protocol) ? chains.map((chain) => byServerName(chain)) : chains,
      ...common,
    });
  }
  return pieces;
}

/** @param wanted the ports at which it matters who has HTTP: those where others have connections that are not */
export function httpPieces(service: Service, caller: Caller, wanted: (port: number) => boolean): HttpPiece[] {
  const ports = service.ports.filter(({ protocol, number }) => isHttp(protocol) && wanted(number));
  if (ports.length === 0) return [];
  const claim = addressClaim(service, caller);
  const blocks = addressesOf(service, caller).flatMap(oneSpelling);
  return ports.map(({ number }) => ({ port: number, claim, blocks }));
}

/** The blocks, of more than one address, that a service of the caller's own namespace has of the piece's port. */
export function ownBlocks(piece: ConnectionPiece | HttpPiece): ClaimedBlocks | undefined {
  if (piece.claim.by !== "own" || ("kind" in piece && piece.kind === "address")) return undefined;
  const all = "blocks" in piece ? piece.blocks : piece.chains.flatMap(({ match }) => match.destinations);
  const blocks = all.filter((block) => !block.endsWith(block.includes(":") ? "/128" : "/32"));
  return blocks.length === 0 ? undefined : { claim: piece.claim, blocks };
}

/** Services that share a port and have no address of their own are told apart by what the client asks for. */
function byServerName(chain: TcpChain): TcpChain {
  if (chain.match.serverNames.length > 0) return chain;
  return { ...chain, match: { ...chain.match, serverNames: [chain.host] } };
}

/**
 * Puts the pieces of one listener together. HTTP has a port before connections that nothing tells apart. Undefined where the
 * proxy listens on the port itself: a second listener would cost the machine its first. So it is where an address is
 * another's, whose connections come to the listener of the whole port.
 */
export function outboundListenerView(
  pieces: readonly ConnectionPiece[],
  http: HttpPort | undefined,
  { ipv6 }: Pick<Caller, "ipv6">,
  own: ListenPorts,
  rivals: AddressRivals,
): OutboundListenerView | undefined {
  const withChains = [...pieces].sort((a, b) => (a.claim.rank < b.claim.rank ? -1 : 1));
  const [first] = withChains;
  if (first?.kind === "address") {
    const { address, port, claim, chains, sources } = first;
    if (rivals.http(address, port).some(({ rank }) => rank < claim.rank)) return undefined;
    if (claim.by === "stated" && isInAnothersBlock(address, claim, rivals.ownBlocks(port))) return undefined;
    return { kind: "address", address, port, chains: withoutEqualMatches(chains), sources };
  }
  const port = first?.port ?? http?.port;
  if (port === undefined || isListenerPort(port, own)) return undefined;
  const shared = sharePort(withChains, http?.pieces);
  const chains = withoutEqualMatches(shared.chains);
  const used = new Set(chains.map((chain) => chain.host));
  return {
    kind: "wildcard",
    port,
    ipv6,
    http: http !== undefined,
    httpBlocks: shared.httpBlocks,
    chains,
    // A listener of HTTP alone is the same whoever asks for it.
    sources: withChains
      .filter((piece) => piece.chains.some((chain) => used.has(chain.host)))
      .flatMap((piece) => piece.sources),
  };
}
