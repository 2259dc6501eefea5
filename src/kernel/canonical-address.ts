// One spelling for one address, so that texts can be compared, be keys, and be what clients write.
import { formatCidr, formatIp, parseCidr, parseIp } from "./ip-address.ts";

/**
 * `2001:DB8:0::1` becomes `2001:db8::1`, `10.1.2.3/8` becomes `10.0.0.0/8`, and a block of one address is that address.
 * What is neither address nor block, as a name or a socket, stays as it is.
 */
export function canonicalAddress(text: string): string {
  const ip = parseIp(text);
  if (ip !== undefined) return formatIp(ip);
  const block = parseCidr(text);
  if (block === undefined) return text;
  return block.prefix === block.network.length * 8 ? formatIp(block.network) : formatCidr(block);
}
