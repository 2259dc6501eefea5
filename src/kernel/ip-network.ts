// What counts as one sender where addresses are limited.
import { type Cidr, cidrContains, formatIp, parseIp } from "./ip-address.ts";

/** ::ffff:0:0/96, as a dual-stack socket spells IPv4. */
const mappedIpv4: Cidr = { network: Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 0, 0, 0, 0), prefix: 96 };

/** An IPv4 address as it is; of an IPv6 address the first 64 bits, which one customer gets; other text as it is. */
export function networkOf(address: string): string {
  const bytes = parseIp(address);
  if (bytes === undefined || bytes.length === 4) return address;
  if (cidrContains(mappedIpv4, bytes)) return formatIp(bytes.subarray(12));
  return formatIp(Uint8Array.from(bytes, (byte, index) => (index < 8 ? byte : 0)));
}
