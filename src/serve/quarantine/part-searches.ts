// Searches for the bad parts of composed resources, one for each scope that has them: each has its own composition.
import type { Resource, ResourceFragment } from "../../xds/resource.ts";
import { type ServedSet, type Substitution, substitutionKey } from "../../xds/substitution.ts";
import { Hunt } from "./hunt.ts";
import type { RefusedCase, Refuser } from "./refused-case.ts";
import { isRoute, partKey, partSubject } from "./subject.ts";
import { suspectsNamed } from "./suspects.ts";
import type { WatchedSets } from "./watched-sets.ts";

/** Whose words convicted a part. */
export interface Words {
  readonly message: string;
  readonly refusers: ReadonlyMap<string, Refuser>;
}

export interface PartSearchPorts {
  readonly sets: WatchedSets;
  substitute(key: string, substitution: Substitution | undefined): void;
  /** The part is bad for certain. Returns false where there is no place to remember it. */
  convict(envoyVersion: string, name: string, part: ResourceFragment, by: Words): boolean;
  /** True where the part is convicted. */
  isAside(envoyVersion: string, name: string, part: ResourceFragment): boolean;
  full(limit: "hunts" | "suspects"): void;
}

/** One search, with what it set aside until now. */
interface Search {
  readonly envoyVersion: string;
  /** Key of the set. */
  readonly place: string;
  readonly name: string;
  readonly hunt: Hunt<ResourceFragment>;
  readonly cleared: Set<string>;
  /** Parts that were convicted: an acknowledgement may have lifted it since. */
  readonly convicted: Set<string>;
  readonly aside: Map<string, ResourceFragment>;
  readonly refusers: Map<string, Refuser>;
  message: string;
}

/** Bad parts that are remembered although there is no place to set them aside. */
const hopelessLimit = 1_024;

export class PartSearches {
  private readonly ports: PartSearchPorts;
  private readonly limits: { readonly hunts: number; readonly suspects: number };
  /** By set and name of the route configuration. */
  private readonly searches = new Map<string, Search>();
  /** Bad parts that could not be set aside: searched for again and again, they would be sent for ever. */
  private readonly hopeless = new Set<string>();

  constructor(ports: PartSearchPorts, limits: { readonly hunts: number; readonly suspects: number }) {
    this.ports = ports;
    this.limits = limits;
  }

  get size(): number {
    return this.searches.size;
  }

  /**
   * A composed resource is rejected, beyond doubt.
   *
   * @returns false where nothing could be found to suspect
   */
  rejected(refused: RefusedCase, resource: Resource): boolean {
    let isOn = false;
    for (const place of this.ports.sets.placesOf(refused.subject))
      if (this.search(refused, resource, place)) isOn = true;
    return isOn;
  }

  private search(refused: RefusedCase, resource: Resource, place: string): boolean {
    const { envoyVersion, name } = refused.subject;
    const key = searchKey(place, name);
    const running = this.searches.get(key);
    const suspects = this.ports.sets.suspectsIn(refused.subject, resource, place, running?.cleared);
    if (suspects.every((part) => this.hopeless.has(`${envoyVersion} ${name} ${partKey(part)}`))) return false;
    // Convicted a moment ago, for another scope: that explains it.
    if (suspects.some((part) => this.ports.isAside(envoyVersion, name, part))) return true;
    if (running !== undefined) {
      running.message = refused.message;
      for (const [id, refuser] of refused.refusers) running.refusers.set(id, refuser);
      const keys = new Set(suspects.map(partKey));
      running.hunt.acquit((part) => keys.has(partKey(part)));
      for (const part of keys) running.convicted.delete(part);
      const probed = new Set(running.hunt.probed.map(partKey));
      running.hunt.rejected(suspects.filter((part) => !probed.has(partKey(part))));
      this.advance(key, running);
      return true;
    }
    const named = suspects.length === 1 ? suspects : namedByAll(suspects, resource.fragments ?? [], refused);
    if (named.length > 0) {
      this.convict(envoyVersion, name, named, refused);
      return true;
    }
    if (this.searches.size >= this.limits.hunts || suspects.length > this.limits.suspects) {
      this.ports.full(suspects.length > this.limits.suspects ? "suspects" : "hunts");
      return false;
    }
    const search: Search = {
      ...{ envoyVersion, place, name, message: refused.message, hunt: new Hunt(suspects) },
      ...{ cleared: new Set(), convicted: new Set(), aside: new Map(), refusers: new Map(refused.refusers) },
    };
    this.searches.set(key, search);
    this.advance(key, search);
    return true;
  }

  /** Somebody accepted a composed resource. */
  accepted(envoyVersion: string, resource: Resource): void {
    if (resource.fragments === undefined || this.searches.size === 0) return;
    const parts = resource.fragments.map(partKey);
    for (const [key, search] of [...this.searches]) {
      if (search.envoyVersion !== envoyVersion || search.name !== resource.name) continue;
      for (const part of parts) search.cleared.add(part);
      if (search.hunt.probed.some((part) => !search.cleared.has(partKey(part)))) continue;
      search.hunt.accepted();
      this.advance(key, search);
    }
  }

  /** The set is gone: who comes back to it says anew what is wrong. */
  end(set: ServedSet): void {
    for (const other of this.ports.sets.all()) if (other.key === set.key && isRoute(other.typeUrl)) return;
    for (const [key, search] of [...this.searches]) {
      if (search.place !== set.key) continue;
      this.searches.delete(key);
      for (const part of search.aside.values()) {
        const subject = partSubject(search.envoyVersion, search.name, part);
        this.ports.substitute(substitutionKey(subject, search.place), undefined);
      }
    }
  }

  /** Parts that the set has no more will never be judged. */
  prune(place: string, name: string): void {
    const key = searchKey(place, name);
    const search = this.searches.get(key);
    if (search === undefined) return;
    const present = this.ports.sets.partsMade(place, name);
    if (present === undefined) return;
    search.hunt.retain((part) => present.has(partKey(part)));
    this.advance(key, search);
  }

  /** Makes what is served agree with the search. */
  private advance(key: string, search: Search): void {
    const { envoyVersion, place, name, hunt } = search;
    const next = new Map(hunt.aside.map((part) => [partKey(part), part]));
    const culprits = new Set(hunt.culprits.map(partKey));
    for (const [id, part] of search.aside) {
      if (next.has(id) && !culprits.has(id)) continue;
      this.ports.substitute(substitutionKey(partSubject(envoyVersion, name, part), place), undefined);
    }
    for (const [id, part] of next) {
      if (search.aside.has(id) || culprits.has(id)) continue;
      const subject = partSubject(envoyVersion, name, part);
      const { message } = search;
      const accepted = this.ports.sets.acceptedFor(subject, part);
      const substitution = { ...subject, only: place, accepted, message, sources: part.sources };
      this.ports.substitute(substitutionKey(subject, place), substitution);
    }
    search.aside.clear();
    for (const [id, part] of next) if (!culprits.has(id)) search.aside.set(id, part);
    const fresh = hunt.culprits.filter((part) => !search.convicted.has(partKey(part)));
    for (const part of fresh) search.convicted.add(partKey(part));
    this.convict(envoyVersion, name, fresh, search);
    if (hunt.over) this.searches.delete(key);
  }

  private convict(envoyVersion: string, name: string, parts: readonly ResourceFragment[], by: Words): void {
    for (const part of parts) {
      if (this.ports.isAside(envoyVersion, name, part)) continue;
      if (!this.ports.convict(envoyVersion, name, part, by)) {
        if (this.hopeless.size >= hopelessLimit) this.hopeless.clear();
        this.hopeless.add(`${envoyVersion} ${name} ${partKey(part)}`);
      }
      // Other searches will see no verdict on it any more.
      for (const [key, search] of [...this.searches]) {
        if (search.envoyVersion !== envoyVersion || search.name !== name) continue;
        search.hunt.retain((other) => partKey(other) !== partKey(part));
        this.advance(key, search);
      }
    }
  }
}

/**
 * The part that every party names: one of them may point at what it wants to be rid of. Where they differ, the parts are
 * tried one after the other.
 */
function namedByAll(
  suspects: readonly ResourceFragment[],
  all: readonly ResourceFragment[],
  { refusers }: RefusedCase,
): readonly ResourceFragment[] {
  let named: readonly ResourceFragment[] | undefined;
  const heard = new Set<string>();
  for (const { party, message } of refusers.values()) {
    const key = `${party.account} ${party.machine ?? ""}`;
    if (heard.has(key)) continue;
    heard.add(key);
    const own = suspectsNamed(suspects, all, message);
    if (own.length !== 1 || (named !== undefined && named[0] !== own[0])) return [];
    named = own;
  }
  return named ?? [];
}

function searchKey(place: string, name: string): string {
  return `${place} ${name}`;
}
