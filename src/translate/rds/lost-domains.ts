// Who of several virtual hosts has a domain that they all claim, kept up to date change by change.
//
// Envoy refuses a route configuration in which two virtual hosts have the same domain. A host's own name is its own; of
// other names and addresses, the first by rank has what several claim. Nobody has "*": what no host takes goes there.
import type { Change, Collection } from "../../collection/collection.ts";
import type { Forkable } from "../../collection/fork.ts";
import type { GraphNode } from "../../collection/graph-node.ts";
import { Layer } from "../../collection/layer.ts";
import { CollectionNode } from "../../collection/node.ts";
import type { PlacedVirtualHost } from "../../model/scope-view.ts";
import { type Claimant, claimantFor, claimsTheSame, ownerOf, sameList } from "./domain-claim.ts";
import { LostDomainsLayer } from "./lost-domains-layer.ts";

/** Most domains have one claimant, which is then kept without a list. */
type Claims = Map<string, Claimant | Claimant[]>;

/** By the key of the virtual host: its domains that others have. Hosts that have all of theirs are not in it. */
export class LostDomains extends CollectionNode<readonly string[]> implements Forkable {
  readonly input: CollectionNode<PlacedVirtualHost>;
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

  fork(name: string, versionOf: <T>(node: CollectionNode<T>) => CollectionNode<T>): CollectionNode<unknown> {
    const input = versionOf(this.input);
    const version = input instanceof Layer ? new LostDomainsLayer(name, this, input) : this;
    return version as unknown as CollectionNode<unknown>;
  }

  /** What the virtual host claims. */
  claimantOf(key: string): Claimant | undefined {
    return this.claimants.get(key);
  }

  /** Who claims the domain on the port, in no order. */
  claimantsOf(port: number, domain: string): readonly Claimant[] {
    const present = this.claims.get(port)?.get(domain);
    return present === undefined ? [] : Array.isArray(present) ? present : [present];
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
      const lost = claimant?.domains.filter((domain) => this.ownerAt(claimant.port, domain) !== claimant) ?? [];
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
      const claimant = claimantFor(key, placed);
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
    const owner = this.ownerAt(port, domain);
    if (owner !== undefined) this.stale.add(owner.key);
  }

  private ownerAt(port: number, domain: string): Claimant | undefined {
    return ownerOf(domain, this.claimantsOf(port, domain));
  }
}
