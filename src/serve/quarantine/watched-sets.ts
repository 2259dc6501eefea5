// All served sets under watch, and what is known of their contents.
import type { Resource, ResourceFragment } from "../../xds/resource.ts";
import type { ServedSet } from "../../xds/substitution.ts";
import { typeUrls } from "../../xds/type-url.ts";
import type { AcceptedContent } from "./accepted-content.ts";
import { isRoute, partKey, type Subject, setHolds } from "./subject.ts";
import { WatchedSet } from "./watched-set.ts";

export class WatchedSets {
  private readonly accepted: AcceptedContent;
  private readonly sets = new Map<ServedSet, WatchedSet>();

  constructor(accepted: AcceptedContent) {
    this.accepted = accepted;
  }

  get size(): number {
    return this.sets.size;
  }

  all(): Iterable<ServedSet> {
    return this.sets.keys();
  }

  add(set: ServedSet): WatchedSet {
    const watched = new WatchedSet(set, (resource) => this.accepted.has(set.envoyVersion, resource));
    this.sets.set(set, watched);
    return watched;
  }

  delete(set: ServedSet): void {
    this.sets.delete(set);
  }

  /** Keys of the sets that serve the content. */
  placesOf(subject: Subject): Set<string> {
    const places = new Set<string>();
    for (const set of this.sets.keys()) if (setHolds(set, subject, "served")) places.add(set.key);
    return places;
  }

  /** Parts that the objects make for one scope, as `partKey`; undefined where nothing is there to ask. */
  partsMade(place: string, name: string): Set<string> | undefined {
    let parts: Set<string> | undefined;
    for (const set of this.sets.keys()) {
      if (set.key !== place || !isRoute(set.typeUrl)) continue;
      parts ??= new Set();
      for (const part of set.made.get(name)?.fragments ?? []) parts.add(partKey(part));
    }
    return parts;
  }

  /** The last accepted content of each set that has the rejected one. */
  acceptedFor(subject: Subject, content: Resource | ResourceFragment): Map<string, Resource | ResourceFragment> {
    const found = new Map<string, Resource | ResourceFragment>();
    for (const [set, watched] of this.sets) {
      if (!setHolds(set, subject, "made")) continue;
      const whole = watched.lastAccepted(subject.name);
      const accepted =
        subject.fragment === undefined ? whole : whole?.fragments?.find(({ name }) => name === subject.fragment);
      if (accepted !== undefined && accepted.version !== content.version) found.set(set.key, accepted);
    }
    return found;
  }

  /** Parts that the objects make and nobody of the version has accepted. */
  suspectsIn(
    { envoyVersion, name }: Subject,
    resource: Resource,
    place: string,
    cleared: ReadonlySet<string> = new Set(),
  ): ResourceFragment[] {
    const known = new Set<string>(cleared);
    const made = this.partsMade(place, name);
    for (const [set, watched] of this.sets) {
      if (set.envoyVersion !== envoyVersion || !isRoute(set.typeUrl)) continue;
      for (const part of watched.lastAccepted(name)?.fragments ?? []) known.add(partKey(part));
      if (set.typeUrl !== typeUrls.routePart) continue;
      // Virtual hosts that travel alone, and that somebody had before the control plane started.
      for (const part of resource.fragments ?? []) {
        const alone = set.served.get(`${name}/${part.name}`);
        if (alone?.version === part.version && this.accepted.has(envoyVersion, alone)) known.add(partKey(part));
      }
    }
    return (resource.fragments ?? []).filter((part) => {
      const key = partKey(part);
      return made?.has(key) === true && !known.has(key) && !this.accepted.has(envoyVersion, part);
    });
  }
}
