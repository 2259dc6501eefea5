// What Istio asks of host names in routing rules.
import { isDnsLabel, isDnsName, isWildcardOrDnsName } from "../host-name.ts";
import type { Rule } from "../schema.ts";

/** A DNS name, `*`, or a name that begins with a wildcard. */
export function isHostPattern(text: string): boolean {
  return text === "*" || isWildcardOrDnsName(text);
}

/** True where every name that `pattern` stands for is also one that `wider` stands for. */
export function isCoveredBy(pattern: string, wider: string): boolean {
  const [inner, outer] = [pattern.toLowerCase(), wider.toLowerCase()];
  if (inner === outer || outer === "*") return true;
  return outer.startsWith("*") && inner.endsWith(outer.slice(1)) && inner.length >= outer.length;
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
