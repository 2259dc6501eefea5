// IP addresses and CIDR blocks as bytes, so that they can be compared, masked and written in one spelling.
import { isIPv4, isIPv6 } from "node:net";

export interface Cidr {
  /** 4 or 16 bytes; bits beyond the prefix are zero. */
  readonly network: Uint8Array;
  /** 0 to 32, or 0 to 128. */
  readonly prefix: number;
}

/** The 4 or 16 bytes of an address in text form (RFC 4291 section 2.2); `undefined` for anything else, scoped addresses too. */
export function parseIp(text: string): Uint8Array | undefined {
  if (isIPv4(text)) return Uint8Array.from(text.split("."), Number);
  if (!isIPv6(text) || text.includes("%")) return undefined;
  const [head = "", tail] = text.split("::", 2) as [string, string?];
  const first = groupsOf(head);
  const last = tail === undefined ? [] : groupsOf(tail);
  const zeros = new Array<number>(8 - first.length - last.length).fill(0);
  return Uint8Array.from([...first, ...zeros, ...last].flatMap((group) => [group >> 8, group & 0xff]));
}

/** A dotted IPv4 or an IPv6 address without zone. */
export function isIpAddress(text: string): boolean {
  return isIPv4(text) || (isIPv6(text) && !text.includes("%"));
}

/** The IPv4 address that an IPv6 address maps (`::ffff:192.0.2.1`, RFC 4291 section 2.5.5.2); any other as it is. */
export function unmapped(bytes: Uint8Array): Uint8Array {
  const isMapped = bytes.length === 16 && bytes.subarray(0, 12).every((byte, index) => byte === (index < 10 ? 0 : 255));
  return isMapped ? bytes.subarray(12) : bytes;
}

/** 16-bit groups; a dotted IPv4 tail is two of them. */
function groupsOf(text: string): number[] {
  if (text === "") return [];
  return text.split(":").flatMap((group) => {
    if (!group.includes(".")) return [Number.parseInt(group, 16)];
    const [a = 0, b = 0, c = 0, d = 0] = group.split(".").map(Number);
    return [(a << 8) | b, (c << 8) | d];
  });
}

/** The one spelling of an address: dotted decimal, or RFC 5952 (lower case, the longest run of zeros shortened). */
export function formatIp(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join(".");
  const groups: number[] = [];
  for (let i = 0; i < 16; i += 2) groups.push(((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0));
  let best = { start: 0, length: 0 };
  for (let start = 0; start < 8; start++) {
    let end = start;
    while (end < 8 && groups[end] === 0) end++;
    if (end - start > best.length) best = { start, length: end - start };
  }
  const text = (part: number[]): string => part.map((group) => group.toString(16)).join(":");
  if (best.length < 2) return text(groups);
  return `${text(groups.slice(0, best.start))}::${text(groups.slice(best.start + best.length))}`;
}

/** `10.0.0.0/8`, `fd00::/8`, or an address alone, which is a block of one. Host bits are cleared. */
export function parseCidr(text: string): Cidr | undefined {
  const slash = text.indexOf("/");
  const address = parseIp(slash < 0 ? text : text.slice(0, slash));
  if (address === undefined) return undefined;
  const bits = address.length * 8;
  if (slash < 0) return { network: address, prefix: bits };
  const length = text.slice(slash + 1);
  if (!/^(0|[1-9][0-9]{0,2})$/.test(length) || Number(length) > bits) return undefined;
  return { network: masked(address, Number(length)), prefix: Number(length) };
}

/** `10.0.0.0/8`; always with its prefix length. */
export function formatCidr(cidr: Cidr): string {
  return `${formatIp(cidr.network)}/${cidr.prefix}`;
}

/** True where the address (4 or 16 bytes) lies in the block; families never mix. */
export function cidrContains(cidr: Cidr, address: Uint8Array): boolean {
  if (cidr.network.length !== address.length) return false;
  const network = masked(address, cidr.prefix);
  return network.every((byte, i) => byte === cidr.network[i]);
}

function masked(address: Uint8Array, prefix: number): Uint8Array {
  return address.map((byte, i) => byte & (0xff << Math.min(8, Math.max(0, 8 - (prefix - i * 8)))));
}
