// The addresses that hosts without one are given (Istio's PILOT_IP_AUTOALLOCATE_IPV4_PREFIX and …_IPV6_PREFIX).

/** One IPv4 address of 240.240.0.0/16 and its counterpart of 2001:2::/48. */
export interface AddressPair {
  readonly v4: string;
  readonly v6: string;
}

/** Pairs in the pool: the network's own and its broadcast address are left out. */
export const poolSize = 65_534;

/** @param index 1 to `poolSize` */
export function addressPair(index: number): AddressPair {
  return { v4: `240.240.${Math.floor(index / 256)}.${index % 256}`, v6: `2001:2::${index.toString(16)}` };
}

/** The index of a pair; undefined where it is not of the pool. */
export function pairIndex(pair: AddressPair): number | undefined {
  const match = /^240\.240\.(\d{1,3})\.(\d{1,3})$/.exec(pair.v4);
  const index = match === null ? 0 : Number(match[1]) * 256 + Number(match[2]);
  return index >= 1 && index <= poolSize && addressPair(index).v6 === pair.v6 ? index : undefined;
}
