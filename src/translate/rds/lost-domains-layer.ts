// Who has the domains that several virtual hosts claim, where some of the hosts are others than in the base: looked at anew are
// the domains that those claim, and the hosts that claim one of them.
import type { Change } from "../../collection/collection.ts";
import type { GraphNode } from "../../collection/graph-node.ts";
import { asBase, Layer, type LayerFollower } from "../../collection/layer.ts";
import type { CollectionNode } from "../../collection/node.ts";
import type { PlacedVirtualHost } from "../../model/scope-view.ts";
import { type Claimant, claimantFor, claimsTheSame, ownerOf, sameList } from "./domain-claim.ts";

/** What the layer asks of its base. */
export interface LayeredLostDomains extends CollectionNode<readonly string[]> {
  /** What the virtual host claims. */
  claimantOf(key: string): Claimant | undefined;
  /** Who claims the domain on the port, in no order. */
  claimantsOf(port: number, domain: string): readonly Claimant[];
}

export class LostDomainsLayer extends Layer<readonly string[]> implements LayerFollower {
  private readonly of: LayeredLostDomains;
  private readonly input: Layer<PlacedVirtualHost>;
  /** Of virtual hosts that claim something else than in the base, what they claim; undefined of those that are not here. */
  private readonly claimants = new Map<string, Claimant | undefined>();
  /** Who of them claims a domain, of all domains that they claim here or in the base; by `place`. */
  private readonly contested = new Map<string, Claimant[]>();
  /** Virtual hosts that claim one of those, by key. */
  private readonly affected = new Set<string>();
  private readonly stale = new Set<string>();
  /** Changes of this batch. */
  private ofInput: readonly Change<PlacedVirtualHost>[] = [];
  private ofBase: readonly Change<PlacedVirtualHost>[] = [];

  constructor(name: string, base: LayeredLostDomains, input: Layer<PlacedVirtualHost>) {
    super(name, base, [input, input.base] as unknown as CollectionNode<unknown>[]);
    this.of = base;
    this.input = input;
    this.begin();
  }

  reconsider(_layer: Layer<unknown>, keys: readonly string[]): void {
    if (this.filled) for (const key of keys) this.stale.add(key);
  }

  protected note(node: GraphNode, changes: readonly Change<unknown>[]): void {
    if (node === (this.input as GraphNode)) this.ofInput = changes as readonly Change<PlacedVirtualHost>[];
    if (node === (this.input.base as GraphNode)) this.ofBase = changes as readonly Change<PlacedVirtualHost>[];
  }

  protected prepare(first: boolean): void {
    if (first) for (const key of this.input.differences()) this.stale.add(key);
    let isOther = false;
    for (const { key } of this.ofInput) if (this.claimants.has(key) || this.input.differs(key)) this.stale.add(key);
    for (const change of this.ofBase) {
      const { key } = change;
      if (this.claimants.has(key)) isOther = true;
      if (this.claimants.has(key) || this.input.differs(key)) this.stale.add(key);
      else if (this.touches(change)) isOther = true;
    }
    this.ofInput = [];
    this.ofBase = [];
    for (const key of this.stale) if (this.claim(key)) isOther = true;
    this.stale.clear();
    if (isOther) this.contestAnew();
  }

  protected concerns(key: string): boolean {
    return this.affected.has(key);
  }

  protected decide(key: string): readonly string[] | undefined | typeof asBase {
    if (!this.affected.has(key)) return asBase;
    const claimant = this.claimants.has(key) ? this.claimants.get(key) : this.of.claimantOf(key);
    const lost = claimant?.domains.filter((domain) => this.ownerAt(claimant.port, domain) !== claimant) ?? [];
    return lost.length === 0 ? undefined : lost;
  }

  /** Looks at what the virtual host claims; true where that is something else than before. */
  private claim(key: string): boolean {
    const ofBase = this.of.claimantOf(key);
    const placed = this.input.get(key);
    const isSame = placed === undefined ? ofBase === undefined : ofBase !== undefined && claimsTheSame(ofBase, placed);
    if (isSame) return this.claimants.delete(key);
    const present = this.claimants.get(key);
    if (
      placed === undefined
        ? this.claimants.has(key) && present === undefined
        : present !== undefined && claimsTheSame(present, placed)
    ) {
      return false;
    }
    this.claimants.set(key, placed === undefined ? undefined : claimantFor(key, placed));
    return true;
  }

  /** True where a virtual host that is the same here begins or ceases to claim one of the domains, or claims it otherwise. */
  private touches({ before, after }: Change<PlacedVirtualHost>): boolean {
    if (this.contested.size === 0) return false;
    const [old, now] = [before?.virtualHost, after?.virtualHost];
    if (old !== undefined && now !== undefined && old.rank === now.rank && sameList(old.domains, now.domains))
      return false;
    const isContested = (placed: PlacedVirtualHost | undefined): boolean =>
      placed?.virtualHost.domains.some((domain) => this.contested.has(place(placed.port, domain))) === true;
    return isContested(before) || isContested(after);
  }

  private contestAnew(): void {
    const { affected, contested, claimants } = this;
    for (const key of affected) this.undecided.add(key);
    affected.clear();
    contested.clear();
    for (const [key, claimant] of claimants) {
      affected.add(key);
      for (const each of [this.of.claimantOf(key), claimant]) {
        for (const domain of each?.domains ?? []) {
          const at = place((each as Claimant).port, domain);
          const own = contested.get(at) ?? [];
          contested.set(at, own);
          if (each === claimant) own.push(claimant as Claimant);
          for (const other of this.of.claimantsOf((each as Claimant).port, domain)) affected.add(other.key);
        }
      }
    }
    for (const key of affected) this.undecided.add(key);
  }

  private ownerAt(port: number, domain: string): Claimant | undefined {
    const ofBase = this.of.claimantsOf(port, domain);
    const own = this.contested.get(place(port, domain));
    if (own === undefined) return ownerOf(domain, ofBase);
    return ownerOf(domain, [...ofBase.filter(({ key }) => !this.claimants.has(key)), ...own]);
  }
}

function place(port: number, domain: string): string {
  return `${port} ${domain}`;
}
