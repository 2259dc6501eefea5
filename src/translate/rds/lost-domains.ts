// Who of several virtual hosts has a domain that they all claim, kept up to date change by change.
//
// Envoy refuses a route configuration in which two virtual hosts have the same domain. A host's own name is its own; of
// other names and addresses, the first by rank has what several claim. Nobody has "*": what no host takes goes there.
import type { Change, Collection } from "../../collection/collection.ts";
import type { GraphNode } from "../../collection/graph-node.ts";
import { CollectionNode } from "../../collection/node.ts";
import type { PlacedVirtualHost } from "../../model/scope-view.ts";

interface Claimant {
  readonly key: string;
  readonly port: number;
  readonly domains: readonly string[];
  readonly rank: string;
}

/** Most domains have one claimant, which is then kept without a list. */
type Claims = Map<string, Claimant | Claimant[]>;

/** By the key of the virtual host: its domains that others have. Hosts that have all of theirs are not in it. */
export class LostDomains extends CollectionNode<readonly string[]> {
  private readonly input: CollectionNode<PlacedVirtualHost>;
  private readonly claimants = new Map<string, Claimant>();
  /** By port, then by domain. */
  private readonly claims = new Map<number, Claims>();
  private stale = new Set<string>();
  /** False until the first update: in mid-batch the input does not hold yet what it will. */
  private filled = false;

  constructor(name: string, from: Collection<PlacedVirtualHost>) {
    const input = from as CollectionNode<PlacedVirtualHost>;
    super(input.graph, name, input.height + 1, sameList);
    this.input = input;
    input.dependants.add(this);
    this.graph.markDirty(this);
  }

  dispose(): void {
    this.input.dependants.delete(this);
    this.graph.forget(this);
  }

  receive(_input: GraphNode, changes: readonly Change<unknown>[]): void {
    if (!this.filled) return;
    for (const { key, after } of changes as readonly Change<PlacedVirtualHost>[]) this.change(key, after);
  }

  protected update(): void {
    if (!this.filled) {
      this.filled = true;
      for (const [key, placed] of this.input.entries()) this.change(key, placed);
    }
    for (const key of this.stale) {
      const claimant = this.claimants.get(key);
      const lost = claimant?.domains.filter((domain) => this.ownerOf(claimant.port, domain) !== claimant) ?? [];
      if (lost.length === 0) this.remove(key);
      else this.put(key, lost);
    }
    this.stale = new Set();
  }

  private change(key: string, placed: PlacedVirtualHost | undefined): void {
    const before = this.claimants.get(key);
    if (before !== undefined) {
      if (placed !== undefined && claimsTheSame(before, placed)) return;
      for (const domain of before.domains) this.retract(before, domain);
      this.claimants.delete(key);
    }
    if (placed !== undefined) {
      const { domains, rank } = placed.virtualHost;
      const claimant: Claimant = { key, port: placed.port, domains: [...new Set(domains)], rank };
      this.claimants.set(key, claimant);
      for (const domain of claimant.domains) this.claim(claimant, domain);
    }
    this.stale.add(key);
  }

  private claim(claimant: Claimant, domain: string): void {
    let claims = this.claims.get(claimant.port);
    if (claims === undefined) {
      claims = new Map();
      this.claims.set(claimant.port, claims);
    }
    const present = claims.get(domain);
    if (present === undefined) claims.set(domain, claimant);
    else {
      this.markOwner(claimant.port, domain);
      if (Array.isArray(present)) present.push(claimant);
      else claims.set(domain, [present, claimant]);
    }
  }

  private retract(claimant: Claimant, domain: string): void {
    const claims = this.claims.get(claimant.port);
    const present = claims?.get(domain);
    if (!Array.isArray(present)) claims?.delete(domain);
    else {
      const [first, ...others] = present.filter((other) => other !== claimant);
      if (first !== undefined) claims?.set(domain, others.length === 0 ? first : [first, ...others]);
      this.markOwner(claimant.port, domain);
    }
    if (claims?.size === 0) this.claims.delete(claimant.port);
  }

  /** Whoever has the domain now may lose it, or has just got it. */
  private markOwner(port: number, domain: string): void {
    const owner = this.ownerOf(port, domain);
    if (owner !== undefined) this.stale.add(owner.key);
  }

  private ownerOf(port: number, domain: string): Claimant | undefined {
    if (domain === "*") return undefined;
    const present = this.claims.get(port)?.get(domain);
    if (!Array.isArray(present)) return present;
    return present.reduce((best, other) => (isBefore(other, best, domain) ? other : best));
  }
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

function claimsTheSame(claimant: Claimant, { port, virtualHost }: PlacedVirtualHost): boolean {
  return (
    claimant.port === port && claimant.rank === virtualHost.rank && sameList(claimant.domains, virtualHost.domains)
  );
}

function sameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((item, index) => item === b[index]);
}
