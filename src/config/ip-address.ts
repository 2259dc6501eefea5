// IP addresses and CIDR ranges in text, and which of them nobody may name as a destination.

export interface IpAddress {
  version: 4 | 6;
  /** 4 or 16 numbers, most significant first. */
  bytes: readonly number[];
}

export interface CidrRange {
  address: IpAddress;
  prefixBits: number;
}

/**
 * Reads an address. IPv4 is four decimal numbers without leading zeros: other spellings (`0177.1`, `2130706433`) mean
 * different addresses to different readers. IPv6 is RFC 4291 §2.2 without a zone (`%eth0`), which means nothing on
 * another machine.
 */
export function parseIpAddress(text: string): IpAddress | undefined {
  const bytes = text.includes(":") ? ipv6Bytes(text) : ipv4Bytes(text);
  return bytes === undefined ? undefined : { version: bytes.length === 4 ? 4 : 6, bytes };
}

/** Reads `10.0.0.0/8` or `2001:db8::/32`; bits after the prefix may be set. */
export function parseCidrRange(text: string): CidrRange | undefined {
  const match = /^([^/]+)\/(0|[1-9]\d{0,2})$/.exec(text);
  const address = parseIpAddress(match?.[1] ?? "");
  const prefixBits = Number(match?.[2]);
  if (address === undefined || prefixBits > address.bytes.length * 8) return undefined;
  return { address, prefixBits };
}

function ipv4Bytes(text: string): number[] | undefined {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255)) {
    return undefined;
  }
  return parts.map(Number);
}

function ipv6Bytes(text: string): number[] | undefined {
  if (text.length > 45) return undefined;
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const head = groupBytes(halves[0] ?? "", halves.length === 1);
  const tail = halves.length === 2 ? groupBytes(halves[1] ?? "", true) : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 16 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 2) return undefined;
  return [...head, ...new Array<number>(missing).fill(0), ...tail];
}

/** Bytes of groups with colons between; the last may be an IPv4 address. */
function groupBytes(text: string, mayEndInIpv4: boolean): number[] | undefined {
  if (text === "") return [];
  const groups = text.split(":");
  const bytes: number[] = [];
  for (const [index, group] of groups.entries()) {
    if (group.includes(".")) {
      const ipv4 = mayEndInIpv4 && index === groups.length - 1 ? ipv4Bytes(group) : undefined;
      if (ipv4 === undefined) return undefined;
      bytes.push(...ipv4);
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return undefined;
      const value = Number.parseInt(group, 16);
      bytes.push(value >> 8, value & 0xff);
    }
  }
  return bytes;
}

/**
 * What an address is good for, where it is not an ordinary destination. An IPv4 address mapped into IPv6
 * (`::ffff:127.0.0.1`) is judged as the IPv4 address that it reaches.
 */
export type AddressScope =
  | "unspecified"
  | "multicast"
  | "broadcast"
  | "metadata"
  | "link-local"
  | "loopback"
  | "ordinary";

/** Addresses at which clouds hand out credentials to whoever asks: AWS, GCP, Azure, OpenStack; ECS; Alibaba; AWS over IPv6. */
const metadataServices = ["169.254.169.254", "169.254.170.2", "100.100.100.200", "fd00:ec2::254"].map(bytesText);

export function addressScope(address: IpAddress): AddressScope {
  const bytes = unmapped(address.bytes);
  if (metadataServices.includes(bytes.join())) return "metadata";
  const [first = 0, second = 0] = bytes;
  if (bytes.length === 4) {
    if (first === 0) return "unspecified"; // 0.0.0.0/8, RFC 6890: this network
    if (first === 127) return "loopback";
    if (first === 169 && second === 254) return "link-local";
    if (first >= 224 && first <= 239) return "multicast";
    return bytes.every((byte) => byte === 255) ? "broadcast" : "ordinary";
  }
  if (bytes.every((byte) => byte === 0)) return "unspecified";
  if (bytes.every((byte, index) => byte === (index === 15 ? 1 : 0))) return "loopback";
  if (first === 0xfe && (second & 0xc0) === 0x80) return "link-local";
  return first === 0xff ? "multicast" : "ordinary";
}

function unmapped(bytes: readonly number[]): readonly number[] {
  const mapped = bytes.length === 16 && bytes.every((byte, index) => index >= 12 || byte === (index < 10 ? 0 : 255));
  return mapped ? bytes.slice(12) : bytes;
}

function bytesText(address: string): string {
  return (parseIpAddress(address)?.bytes ?? []).join();
}
