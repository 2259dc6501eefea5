// Values by CIDR block, to be found from any address or block inside.
import type { Cidr } from "./ip-address.ts";

/** Looks up once for each prefix length there is, however many blocks there are. */
export class CidrMap<T> {
  private readonly values = new Map<string, T[]>();
  /** Lengths of prefixes, by bytes of an address. */
  private readonly lengths = new Map<number, Set<number>>();
  private readonly limit: number;

  /** @param limit values of one block that are kept, the first ones; 1 or more */
  constructor(limit = Number.POSITIVE_INFINITY) {
    this.limit = limit;
  }

  add(block: Cidr, value: T): void {
    const key = keyOf(block.network, block.prefix);
    const list = this.values.get(key);
    if (list === undefined) this.values.set(key, [value]);
    else if (list.length < this.limit) list.push(value);
    const bytes = block.network.length;
    const lengths = this.lengths.get(bytes) ?? new Set();
    this.lengths.set(bytes, lengths.add(block.prefix));
  }

  /** Values of the blocks that hold the whole of `inner`: of the block itself, too. */
  holding({ network, prefix }: Cidr): T[] {
    const found: T[] = [];
    for (const length of this.lengths.get(network.length) ?? []) {
      if (length > prefix) continue;
      found.push(...(this.values.get(keyOf(network, length)) ?? []));
    }
    return found;
  }
}

/** Of the first bits of an address; shorter to make than a text that people read. */
function keyOf(network: Uint8Array, prefix: number): string {
  let key = String.fromCharCode(network.length, prefix);
  for (const [at, byte] of network.entries()) {
    const kept = Math.min(8, Math.max(0, prefix - at * 8));
    key += String.fromCharCode(byte & (0xff << (8 - kept)) & 0xff);
  }
  return key;
}
