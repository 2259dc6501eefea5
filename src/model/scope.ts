// What one proxy may see, as a value: proxies with equal scopes share one view and the same bytes.

import { contentHash } from "../kernel/hash.ts";
import { byKey } from "../kernel/key-order.ts";

export interface Scope {
  readonly namespace: string;
  /** The proxy resolves names through its agent, so allocated addresses can be used. */
  readonly autoAddresses: boolean;
  /** The proxy's labels, as far as some VirtualService asks for them in `sourceLabels`. */
  readonly sourceLabels: Readonly<Record<string, string>>;
  readonly ipv6: boolean;
}

export function scopeKey(scope: Scope): string {
  const labels = Object.entries(scope.sourceLabels).sort(byKey);
  return contentHash(scope.namespace, String(scope.autoAddresses), String(scope.ipv6), JSON.stringify(labels));
}
