// Values by CIDR block, to be found from any address or block inside.
import { type Cidr, formatCidr } from "./ip-address.ts";

/** Looks up once for each prefix length there is, however many blocks there are. */
export class CidrMap<T> {
  private readonly values = new Map<string, T[]>();
  /** Lengths of prefixes, by bytes of an address. */
  private readonly lengths = new Map<number, Set<number>>();

  add(block: Cidr, value: T): void {
    const key = formatCidr(block);
    const list = this.values.get(key);
    if (list === undefined) this.values.set(key, [value]);
    else list.push(value);
    const bytes = block.network.length;
    const lengths = this.lengths.get(bytes) ?? new Set();
    this.lengths.set(bytes, lengths.add(block.prefix));
  }

  /** Values of the blocks that hold the whole of `inner`: of the block itself, too. */
  holding({ network, prefix }: Cidr): T[] {
    const found: T[] = [];
    for (const length of this.lengths.get(network.length) ?? []) {
      if (length > prefix) continue;
      found.push(...(this.values.get(formatCidr(shorten(network, length))) ?? []));
    }
    return found;
  }
}

function shorten(network: Uint8Array, prefix: number): Cidr {
  const kept = (at: number): number => Math.min(8, Math.max(0, prefix - at * 8));
  return { network: network.map((byte, at) => byte & (0xff << (8 - kept(at)))), prefix };
}
