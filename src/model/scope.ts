// What one proxy may see, as a value: proxies with equal scopes share one view and the same bytes.

import { contentHash } from "../kernel/hash.ts";
import { byKey } from "../kernel/key-order.ts";

export interface Scope {
  readonly namespace: string;
  /** The proxy resolves names through its agent, so allocated addresses can be used. */
  readonly autoAddresses: boolean;
  /** The proxy's labels, as far as they satisfy what some rule that its namespace sees asks for: see `askedLabels`. */
  readonly sourceLabels: Readonly<Record<string, string>>;
  /** The proxy takes connections over IPv6. */
  readonly ipv6: boolean;
  /** The machine has IPv6 addresses that others can reach, so names may be answered with IPv6 addresses. */
  readonly ipv6Names: boolean;
}

export function scopeKey(scope: Scope): string {
  return contentHash(
    scope.namespace,
    JSON.stringify(Object.entries(scope.sourceLabels).sort(byKey)),
    traitsText(scope),
  );
}

/** Equal for scopes that differ in nothing but their namespace and labels. */
export function scopeTraitsKey(scope: Scope): string {
  return contentHash(traitsText(scope));
}

function traitsText({ autoAddresses, ipv6, ipv6Names }: Scope): string {
  return JSON.stringify([autoAddresses, ipv6, ipv6Names]);
}
