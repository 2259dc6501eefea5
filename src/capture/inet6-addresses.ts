// /proc/net/if_inet6 → the IPv6 addresses of the machine, and whether its kernel does IPv6 at all.
import { existsSync } from "node:fs";
import { formatIp } from "../kernel/ip-address.ts";

/** The file is missing where IPv6 is not built in, or switched off at boot by `ipv6.disable=1`. */
export const inet6File = "/proc/net/if_inet6";

export interface Inet6Address {
  readonly address: string;
  readonly device: string;
  /** RFC 4862: not to be chosen for new connections, unless somebody asks for it. */
  readonly deprecated: boolean;
}

/** IFA_F_DEPRECATED of linux/if_addr.h. */
const deprecatedFlag = 0x20;

/** True also where no interface has an address yet: one may come at any time. */
export function kernelHasIpv6(file = inet6File): boolean {
  return existsSync(file);
}

/** @param text lines such as `fe80…0001 04 40 20 80 eth0`: address, index, prefix length, scope, flags, interface */
export function readInet6Addresses(text: string): Inet6Address[] {
  return text.split("\n").flatMap((line) => {
    const [hex = "", , , , flags = "", device = ""] = line.trim().split(/\s+/);
    if (!/^[0-9a-f]{32}$/.test(hex)) return [];
    const address = formatIp(Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16)));
    return [{ address, device, deprecated: (Number.parseInt(flags, 16) & deprecatedFlag) !== 0 }];
  });
}
