// What Istio asks of host names in routing rules.
import { isDnsLabel, isDnsName, isWildcardOrDnsName } from "../host-name.ts";
import type { Rule } from "../schema.ts";

/** A DNS name, `*`, or a name that begins with a wildcard. */
export function isHostPattern(text: string): boolean {
  return text === "*" || isWildcardOrDnsName(text);
}

/** Host patterns, lower-case, for lookups that do not slow down with their number. */
export type HostPatterns = ReadonlySet<string>;

export function hostPatterns(hosts: readonly string[]): HostPatterns {
  return new Set(hosts.map((host) => host.toLowerCase()));
}

/** True where every name that `host` stands for is also one that a pattern stands for. */
export function coversHost(patterns: HostPatterns, host: string): boolean {
  const name = host.toLowerCase();
  if (patterns.has(name) || patterns.has("*")) return true;
  for (let cut = 1; cut < name.length; cut++) if (patterns.has(`*${name.slice(cut)}`)) return true;
  return false;
}

export const dnsName: Rule<string> = {
  message: "must be a DNS name such as reviews or reviews.shop.svc.cluster.local",
  test: isDnsName,
};

export const hostPattern: Rule<string> = {
  message: "must be a DNS name; a wildcard may only stand at its beginning, as in *.example.com",
  test: isHostPattern,
};

export const dnsLabel: Rule<string> = {
  message: "must be a DNS label: letters, digits and '-', at most 63 characters",
  test: isDnsLabel,
};
