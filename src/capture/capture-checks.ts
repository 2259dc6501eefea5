// Checks of capture settings that collect what is wrong instead of stopping at the first.

import { type Cidr, cidrContains, formatCidr, formatIp, parseCidr, parseIp, unmapped } from "../kernel/ip-address.ts";
import { byKey } from "../kernel/key-order.ts";
import { quoted } from "../kernel/quote.ts";
import type { CapturedWorkload, ExemptEndpoint } from "./capture-plan.ts";

/** Bounds of one plan, so that a ruleset stays a few hundred KiB and loads in a moment. */
const portLimit = 1024;
const cidrLimit = 1024;
const workloadLimit = 64;
const endpointLimit = 64;
const nameserverLimit = 16;
const uidLimit = 64;
/** -1 means "no user" to the kernel. */
const highestUid = 2 ** 32 - 2;
export type CaptureChecks = ReturnType<typeof captureChecks>;

/**
 * Each check returns its values in the one spelling that plans use, without those that it adds a problem for.
 *
 * @param problems where sentences are added, each naming the setting
 */
export function captureChecks(problems: string[]) {
  const bounded = <T>(name: string, values: readonly T[], limit: number): readonly T[] => {
    if (values.length <= limit) return values;
    problems.push(`${name} has ${values.length} entries, more than ${limit}`);
    return [];
  };

  const port = (name: string, value: number): number => {
    if (!isWhole(value, 1, 65535)) problems.push(`${name} ${String(value)} is not a port between 1 and 65535`);
    return value;
  };

  const ports = (name: string, values: readonly number[]): number[] =>
    sorted(bounded(name, values, portLimit).map((value) => port(name, value)));

  const uid = (name: string, value: number, lowest: 0 | 1): number => {
    if (!isWhole(value, lowest, highestUid)) {
      problems.push(`${name} ${String(value)} is not a number between ${lowest} and ${highestUid}`);
    }
    return value;
  };

  const ip = (name: string, text: string): string | undefined => {
    const address = parsePacketAddress(text);
    if (address === undefined) problems.push(`${name} holds ${quoted(text)}, which is no IP address`);
    return address === undefined ? undefined : formatIp(address);
  };

  return {
    port,
    ports,

    /** Not 0: exempting root would leave every system service outside the mesh. */
    proxyId: (name: string, value: number): number => uid(name, value, 1),

    uids: (name: string, values: readonly number[]): number[] =>
      sorted(bounded(name, values, uidLimit).map((value) => uid(name, value, 0))),

    workloads(given: readonly CapturedWorkload[], proxy: { uid: number; gid: number }): CapturedWorkload[] {
      if (given.length === 0) problems.push("workloads is empty: nothing would be captured");
      return bounded("workloads", given, workloadLimit).map(({ who, ports: served }) => {
        if (who.kind === "uid" && uid("workloads uid", who.uid, 0) === proxy.uid) {
          problems.push(`a workload runs as uid ${proxy.uid}, which is the proxy's`);
        }
        if (who.kind === "gid" && uid("workloads gid", who.gid, 0) === proxy.gid) {
          problems.push(`a workload runs as gid ${proxy.gid}, which is the proxy's`);
        }
        return { who: { ...who }, ports: served === "*" ? served : ports("workloads ports", served) };
      });
    },

    /** Plain addresses; a zone (`fe80::1%eth0`) is left out, because packets do not carry it. */
    nameservers(name: string, texts: readonly string[]): string[] {
      const found = bounded(name, texts, nameserverLimit).flatMap(
        (text) => ip(name, text.replace(/%[^%]*$/, "")) ?? [],
      );
      return [...new Set(found)].sort();
    },

    /** None of the blocks returned holds another: sets of nftables refuse overlaps. */
    cidrs(name: string, texts: readonly string[]): string[] {
      const blocks = bounded(name, texts, cidrLimit).flatMap((text) => {
        const cidr = parseCidr(text);
        if (cidr === undefined) problems.push(`${name} holds ${quoted(text)}, which is no CIDR block`);
        return cidr === undefined ? [] : [cidr];
      });
      // Blocks are nested or apart; in this order one comes right before all that it holds.
      blocks.sort((a, b) => Buffer.compare(a.network, b.network) || a.prefix - b.prefix);
      const kept: Cidr[] = [];
      for (const family of [4, 16]) {
        let last: Cidr | undefined;
        for (const block of blocks) {
          if (block.network.length !== family || (last !== undefined && cidrContains(last, block.network))) continue;
          last = block;
          kept.push(block);
        }
      }
      return kept.map(formatCidr);
    },

    endpoints(name: string, given: readonly ExemptEndpoint[]): ExemptEndpoint[] {
      const found = new Map<string, ExemptEndpoint>();
      for (const endpoint of bounded(name, given, endpointLimit)) {
        const address = ip(name, endpoint.address);
        if (address === undefined) continue;
        found.set(`${address} ${endpoint.port}`, { address, port: port(name, endpoint.port) });
      }
      return [...found.entries()].sort(byKey).map(([, endpoint]) => endpoint);
    },
  };
}

/** In order, each once. */
export function sorted(numbers: readonly number[]): number[] {
  return [...new Set(numbers)].sort((a, b) => a - b);
}

/** An address as packets carry it: an IPv4 address mapped into IPv6 travels as IPv4. */
function parsePacketAddress(text: string): Uint8Array | undefined {
  const address = parseIp(text);
  return address === undefined ? undefined : unmapped(address);
}

function isWhole(value: unknown, lowest: number, highest: number): boolean {
  return Number.isInteger(value) && (value as number) >= lowest && (value as number) <= highest;
}
