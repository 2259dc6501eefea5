// Whose connections to an address of one port are, where several services claim it: HTTP services too, which need no chain
// for an address as long as nobody else has one for it.
import { CidrMap } from "../kernel/cidr-map.ts";
import { type Cidr, cidrContains, formatCidr, parseCidr } from "../kernel/ip-address.ts";
import { type TcpChain, takesAnyPlace } from "./tcp-chain.ts";
import { type AddressClaim, keepsWhole } from "./visible-service.ts";

/** Addresses and blocks of a port that a service claims. */
export interface ClaimedBlocks {
  readonly claim: AddressClaim;
  /** CIDR blocks, also of one address, each in its one spelling. */
  readonly blocks: readonly string[];
}

/** Chains of one service on a port. */
export interface ClaimedChains {
  readonly claim: AddressClaim;
  readonly chains: readonly TcpChain[];
}

interface Known extends AddressClaim {
  readonly block: string;
  readonly http: boolean;
}

export interface SharedPort {
  /** In order of rank, without the destinations that are others'. */
  readonly chains: readonly TcpChain[];
  /** Blocks inside those of the chains that are for HTTP. */
  readonly httpBlocks: readonly string[];
}

/**
 * @param claimed TCP and TLS services of a port, in order of rank
 * @param http those of HTTP; undefined where the port has none
 */
export function sharePort(claimed: readonly ClaimedChains[], http: readonly ClaimedBlocks[] | undefined): SharedPort {
  const all = claimed.flatMap(({ claim, chains }) => chains.map((chain) => ({ claim, chain })));
  const wanted = http === undefined ? all : all.filter(({ chain }) => !takesAnyPlace(chain));
  if (wanted.every(({ chain }) => chain.match.destinations.length === 0)) {
    return { chains: wanted.map(({ chain }) => chain), httpBlocks: [] };
  }
  const known = new CidrMap<Known>();
  const httpClaims = (http ?? []).flatMap(({ claim, blocks }) => blocks.map((block) => ({ ...claim, block })));
  for (const each of httpClaims) known.add(cidrOf(each.block), { ...each, http: true });
  for (const { claim, chain } of wanted) {
    for (const block of chain.match.destinations) known.add(cidrOf(block), { ...claim, block, http: false });
  }
  const isAnothers = (block: string, claim: AddressClaim): boolean =>
    known
      .holding(cidrOf(block))
      .some((each) => (each.block === block ? each.http && each.rank < claim.rank : keepsWhole(each, claim)));
  const chains: TcpChain[] = [];
  const kept = new CidrMap<Known>();
  for (const { claim, chain } of wanted) {
    const { destinations } = chain.match;
    const own = destinations.filter((block) => !isAnothers(block, claim));
    for (const block of own) kept.add(cidrOf(block), { ...claim, block, http: false });
    if (own.length === destinations.length) chains.push(chain);
    else if (own.length > 0) chains.push({ ...chain, match: { ...chain.match, destinations: own } });
  }
  const httpBlocks = httpClaims.filter((claim) => {
    const around = kept.holding(cidrOf(claim.block));
    return around.length > 0 && !around.some((each) => each.block === claim.block || keepsWhole(each, claim));
  });
  return { chains, httpBlocks: [...new Set(httpBlocks.map(({ block }) => block))].sort() };
}

/** True where a block of another service goes before the claim of one address in it. */
export function isInAnothersBlock(address: string, claim: AddressClaim, others: readonly ClaimedBlocks[]): boolean {
  const { network } = cidrOf(address);
  return others.some(
    (other) => keepsWhole(other.claim, claim) && other.blocks.some((block) => cidrContains(cidrOf(block), network)),
  );
}

/** `10.0.0.1/32` of `10.0.0.1`; nothing of what is no address. */
export function oneSpelling(block: string): string[] {
  const cidr = parseCidr(block);
  return cidr === undefined ? [] : [formatCidr(cidr)];
}

/** Of a block that was parsed before. */
function cidrOf(block: string): Cidr {
  return parseCidr(block) ?? { network: new Uint8Array(), prefix: 0 };
}
