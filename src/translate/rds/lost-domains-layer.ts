// Who has the domains that several virtual hosts claim, where some of the hosts are others than in the base: looked at anew are
// the domains that those claim, and the hosts that claim one of them.
import type { Change } from "../../collection/collection.ts";
import type { GraphNode } from "../../collection/graph-node.ts";
import { InputLayer } from "../../collection/input-layer.ts";
import { asBase, type Layer } from "../../collection/layer.ts";
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

/** A domain of a port that somebody claims here and not in the base, or there and not here. */
interface Contest {
  readonly port: number;
  readonly domain: string;
  /** Virtual hosts that make it one. */
  count: number;
  /** Those of them that claim it here. */
  own: readonly Claimant[];
}

export class LostDomainsLayer extends InputLayer<PlacedVirtualHost, readonly string[]> {
  private readonly of: LayeredLostDomains;
  /** Of virtual hosts that claim something else than in the base, what they claim; undefined of those that are not here. */
  private readonly claimants = new Map<string, Claimant | undefined>();
  /** By their key, the places of the contests that they make. */
  private readonly makes = new Map<string, readonly string[]>();
  private readonly contests = new Map<string, Contest>();
  /** Changes of this batch. */
  private ofInput: readonly Change<PlacedVirtualHost>[] = [];
  private ofBase: readonly Change<PlacedVirtualHost>[] = [];

  constructor(name: string, base: LayeredLostDomains, input: Layer<PlacedVirtualHost>) {
    super(name, base, input);
    this.of = base;
    this.begin();
  }

  protected note(node: GraphNode, changes: readonly Change<unknown>[]): void {
    if (node === (this.input as GraphNode)) this.ofInput = changes as readonly Change<PlacedVirtualHost>[];
    if (node === (this.input.base as GraphNode)) this.ofBase = changes as readonly Change<PlacedVirtualHost>[];
  }

  protected look(): void {
    // A virtual host that is different may claim what the base's does, until the base's changes.
    if (this.claimants.size > 0 || this.stale.size > 0 || this.input.differences().next().done !== true) {
      for (const { key } of this.ofInput) if (this.claimants.has(key) || this.input.differs(key)) this.stale.add(key);
      for (const change of this.ofBase) if (!claimAlike(change)) this.takeUp(change);
    }
    this.ofInput = [];
    this.ofBase = [];
    for (const key of this.stale) this.claim(key);
  }

  protected concerns(key: string): boolean {
    if (this.contests.size === 0) return false;
    if (this.claimants.has(key)) return true;
    const claimant = this.of.claimantOf(key);
    return claimant?.domains.some((domain) => this.contests.has(placeOf(claimant.port, domain))) === true;
  }

  protected decide(key: string): readonly string[] | undefined | typeof asBase {
    if (!this.concerns(key)) return asBase;
    const claimant = this.claimants.has(key) ? this.claimants.get(key) : this.of.claimantOf(key);
    const lost = claimant?.domains.filter((domain) => this.ownerAt(claimant.port, domain) !== claimant) ?? [];
    return lost.length === 0 ? undefined : lost;
  }

  /** A virtual host of the base claims something else than before. */
  private takeUp({ key, before, after }: Change<PlacedVirtualHost>): void {
    if (this.claimants.has(key) || this.input.differs(key)) this.stale.add(key);
    for (const placed of [before, after]) {
      for (const domain of placed?.virtualHost.domains ?? []) {
        const place = placeOf((placed as PlacedVirtualHost).port, domain);
        if (!this.contests.has(place)) continue;
        this.undecided.add(key);
        this.decideAnew(place);
      }
    }
  }

  /** Looks at what the virtual host claims here and in the base. */
  private claim(key: string): void {
    const ofBase = this.of.claimantOf(key);
    const placed = this.input.get(key);
    const isSame = placed === undefined ? ofBase === undefined : ofBase !== undefined && claimsTheSame(ofBase, placed);
    const present = this.claimants.get(key);
    const claimant =
      placed === undefined || isSame
        ? undefined
        : present !== undefined && claimsTheSame(present, placed)
          ? present
          : claimantFor(key, placed);
    for (const place of this.makes.get(key) ?? []) this.leave(place, present);
    this.undecided.add(key);
    if (isSame) {
      this.claimants.delete(key);
      this.makes.delete(key);
      return;
    }
    this.claimants.set(key, claimant);
    const places = new Set<string>();
    for (const each of [ofBase, claimant]) {
      if (each === undefined) continue;
      for (const domain of each.domains) {
        const place = placeOf(each.port, domain);
        if (places.has(place)) {
          if (each === claimant) this.enter(place, claimant);
          continue;
        }
        places.add(place);
        const contest = this.contests.get(place) ?? { port: each.port, domain, count: 0, own: [] };
        contest.count += 1;
        this.contests.set(place, contest);
        if (each === claimant) this.enter(place, claimant);
        this.decideAnew(place);
      }
    }
    this.makes.set(key, [...places]);
  }

  private enter(place: string, claimant: Claimant): void {
    const contest = this.contests.get(place) as Contest;
    contest.own = [...contest.own, claimant];
  }

  private leave(place: string, claimant: Claimant | undefined): void {
    const contest = this.contests.get(place) as Contest;
    this.decideAnew(place);
    contest.count -= 1;
    if (claimant !== undefined) contest.own = contest.own.filter((other) => other !== claimant);
    if (contest.count === 0) this.contests.delete(place);
  }

  /** Whoever claims the domain may lose it, or get it. */
  private decideAnew(place: string): void {
    const { port, domain, own } = this.contests.get(place) as Contest;
    for (const { key } of this.of.claimantsOf(port, domain)) this.undecided.add(key);
    for (const { key } of own) this.undecided.add(key);
  }

  private ownerAt(port: number, domain: string): Claimant | undefined {
    const ofBase = this.of.claimantsOf(port, domain);
    const contest = this.contests.get(placeOf(port, domain));
    if (contest === undefined) return ownerOf(domain, ofBase);
    return ownerOf(domain, [...ofBase.filter(({ key }) => !this.claimants.has(key)), ...contest.own]);
  }
}

/** False where the virtual host begins, ceases or changes what it claims. */
function claimAlike({ before, after }: Change<PlacedVirtualHost>): boolean {
  if (before === undefined || after === undefined) return false;
  const [old, now] = [before.virtualHost, after.virtualHost];
  return before.port === after.port && old.rank === now.rank && sameList(old.domains, now.domains);
}

function placeOf(port: number, domain: string): string {
  return `${port} ${domain}`;
}
