// The domains that a virtual host claims, and who of several has one.
import type { PlacedVirtualHost } from "../../model/scope-view.ts";

export interface Claimant {
  readonly key: string;
  readonly port: number;
  readonly domains: readonly string[];
  readonly rank: string;
}

export function claimantFor(key: string, { port, virtualHost }: PlacedVirtualHost): Claimant {
  return { key, port, domains: [...new Set(virtualHost.domains)], rank: virtualHost.rank };
}

/** Who of its claimants has a domain. */
export function ownerOf(domain: string, claimants: readonly Claimant[]): Claimant | undefined {
  if (domain === "*") return undefined;
  const [first, ...others] = claimants;
  if (first === undefined || others.length === 0) return first;
  return others.reduce((best, other) => (isBefore(other, best, domain) ? other : best), first);
}

function isBefore(a: Claimant, b: Claimant, domain: string): boolean {
  const own = isOwnName(a, domain);
  if (own !== isOwnName(b, domain)) return own;
  if (!own && a.rank !== b.rank) return a.rank < b.rank;
  return a.key < b.key;
}

/** True for the host itself, also spelled absolutely, with a dot at its end. */
function isOwnName({ domains: [host = ""] }: Claimant, domain: string): boolean {
  return domain === host || (domain.length === host.length + 1 && domain.endsWith(".") && domain.startsWith(host));
}

export function claimsTheSame(claimant: Claimant, { port, virtualHost }: PlacedVirtualHost): boolean {
  return (
    claimant.port === port && claimant.rank === virtualHost.rank && sameList(claimant.domains, virtualHost.domains)
  );
}

export function sameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((item, index) => item === b[index]);
}
