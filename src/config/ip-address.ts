// Addresses in configuration, and which of them nobody may name as a destination.
import { type Cidr, parseCidr, parseIp, unmapped } from "../kernel/ip-address.ts";

/** Reads `10.0.0.0/8` or `2001:db8::/32`; bits after the prefix may be set. An address alone is no range. */
export function parseCidrRange(text: string): Cidr | undefined {
  return text.includes("/") ? parseCidr(text) : undefined;
}

/** What an address is good for. */
export type AddressScope =
  | "unspecified"
  | "multicast"
  | "broadcast"
  | "metadata"
  | "link-local"
  | "loopback"
  | "ordinary";

/** Addresses at which clouds hand out credentials to whoever asks: AWS, GCP, Azure, OpenStack; ECS; Alibaba; AWS over IPv6. */
const metadataServices = new Set(
  ["169.254.169.254", "169.254.170.2", "100.100.100.200", "fd00:ec2::254"].map((text) => parseIp(text)?.join()),
);

/** Judges an address by its bytes; IPv4 mapped into IPv6 (`::ffff:127.0.0.1`) as the IPv4 address that it reaches. */
export function addressScope(address: Uint8Array): AddressScope {
  const bytes = unmapped(address);
  if (metadataServices.has(bytes.join())) return "metadata";
  const [first = 0, second = 0] = bytes;
  if (bytes.length === 4) {
    if (first === 0) return "unspecified"; // 0.0.0.0/8, RFC 6890: this network
    if (first === 127) return "loopback";
    if (first === 169 && second === 254) return "link-local";
    if (first >= 224 && first <= 239) return "multicast";
    return bytes.every((byte) => byte === 255) ? "broadcast" : "ordinary";
  }
  if (bytes.subarray(0, 15).every((byte) => byte === 0) && (bytes[15] ?? 0) <= 1) {
    return bytes[15] === 0 ? "unspecified" : "loopback";
  }
  if (first === 0xfe && (second & 0xc0) === 0x80) return "link-local";
  return first === 0xff ? "multicast" : "ordinary";
}
