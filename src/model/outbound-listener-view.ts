// Everything that decides one outbound listener.
import { isListenerPort, type ListenPorts } from "../config/listener-port.ts";
import type { Config } from "../config/object.ts";
import type { VirtualService } from "../config/virtual-service/virtual-service.ts";
import { type ClaimedBlocks, type ClaimedChains, isInAnothersBlock, oneSpelling, sharePort } from "./address-owner.ts";
import type { DestinationLookup } from "./destination.ts";
import { isHttp, isOpaqueTls } from "./protocol.ts";
import type { Scope } from "./scope.ts";
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

/** What a service adds to the listeners of a scope. */
export type ListenerPiece = HttpPiece | WildcardPiece | AddressPiece;

interface HttpPiece extends ClaimedBlocks {
  readonly kind: "http";
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

/** What services beside those of a listener claim of its address. */
export interface AddressRivals {
  /** Services with HTTP at the address and port. */
  http(address: string, port: number): readonly AddressClaim[];
  /** What services of the caller's own namespace have of a port, as `ownBlocks` gives it. */
  ownBlocks(port: number): readonly ClaimedBlocks[];
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
  const all = addressesOf(service, scope);
  const addresses = all.filter((address) => !address.includes("/"));
  const blocks = all.flatMap((address) => (address.includes("/") ? oneSpelling(address) : []));
  const claim = addressClaim(service, scope);
  const httpBlocks = all.flatMap(oneSpelling);
  const sources = [...service.sources, ...(virtualService === undefined ? [] : [sourceRefOf(virtualService)])];
  for (const port of service.ports) {
    if (isHttp(port.protocol)) {
      pieces.push({ kind: "http", port: port.number, claim, blocks: httpBlocks });
      continue;
    }
    const chainsAt = (at: readonly string[]) => tcpChains(service, port, virtualService, scope, lookup, at);
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

/** The blocks, of more than one address, that a service of the caller's own namespace has of the piece's port. */
export function ownBlocks(piece: ListenerPiece): ClaimedBlocks | undefined {
  if (piece.kind === "address" || piece.claim.by !== "own") return undefined;
  const all = piece.kind === "http" ? piece.blocks : piece.chains.flatMap(({ match }) => match.destinations);
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
  pieces: readonly ListenerPiece[],
  { ipv6 }: Pick<Scope, "ipv6">,
  own: ListenPorts,
  rivals: AddressRivals,
): OutboundListenerView | undefined {
  const [first] = pieces;
  if (first === undefined) return undefined;
  if (first.kind !== "address" && isListenerPort(first.port, own)) return undefined;
  const withChains = pieces
    .filter((piece) => piece.kind !== "http")
    .sort((a, b) => (a.claim.rank < b.claim.rank ? -1 : 1));
  if (first.kind === "address") {
    const { address, port, claim, chains, sources } = withChains[0] as AddressPiece;
    if (rivals.http(address, port).some(({ rank }) => rank < claim.rank)) return undefined;
    if (claim.by === "stated" && isInAnothersBlock(address, claim, rivals.ownBlocks(port))) return undefined;
    return { kind: "address", address, port, chains: withoutEqualMatches(chains), sources };
  }
  const httpPieces = pieces.filter((piece) => piece.kind === "http");
  const http = httpPieces.length > 0;
  const shared = sharePort(withChains, http ? httpPieces : undefined);
  const chains = withoutEqualMatches(shared.chains);
  const used = new Set(chains.map((chain) => chain.host));
  return {
    kind: "wildcard",
    port: first.port,
    ipv6,
    http,
    httpBlocks: shared.httpBlocks,
    chains,
    // A listener of HTTP alone is the same whoever asks for it.
    sources: withChains
      .filter((piece) => piece.chains.some((chain) => used.has(chain.host)))
      .flatMap((piece) => piece.sources),
  };
}
