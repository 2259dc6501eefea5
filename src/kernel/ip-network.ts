// What counts as one sender where addresses are limited.
import { formatIp, parseIp, unmapped } from "./ip-address.ts";

/** An IPv4 address as it is; of an IPv6 address the first 64 bits, which one customer gets; other text as it is. */
export function networkOf(address: string): string {
  const parsed = parseIp(address);
  if (parsed === undefined) return address;
  const bytes = unmapped(parsed);
  if (bytes.length === 4) return formatIp(bytes);
  return formatIp(Uint8Array.from(bytes, (byte, index) => (index < 8 ? byte : 0)));
}
