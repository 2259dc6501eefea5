// Decides what becomes of content that proxies reject. It knows streams, sets and objects by name only, and no time but
// what it is told, so that any history can be played to it.
//
// Whose word counts: a machine may be hostile, and must not freeze the configuration of others. So content is set aside for
// a whole Envoy version only when two certificates reject it, or the only one that gets it; never when somebody of the
// version has accepted it, and no longer once somebody does.
import { SetMap } from "../../kernel/set-map.ts";
import type { ConfigRef } from "../../xds/config-ref.ts";
import type { ResourceChange } from "../../xds/generator.ts";
import { mentions } from "../../xds/isolation.ts";
import type { Resource, ResourceFragment } from "../../xds/resource.ts";
import { type ServedSet, type Substitution, substitutionKey } from "../../xds/substitution.ts";
import { typeUrls } from "../../xds/type-url.ts";
import { AcceptedContent } from "./accepted-content.ts";
import { Hunt } from "./hunt.ts";
import { isOwnAffair } from "./own-affair.ts";
import type { RefusedCase, Refuser, Subject } from "./refused-case.ts";
import { suspectsNamed } from "./suspects.ts";
import { WatchedSet } from "./watched-set.ts";

/** Bounds of what is remembered. Over them, a rejection stays the affair of the stream that made it. */
export interface BookLimits {
  /** Rejected contents, set aside or not; also those that may come back. */
  readonly cases: number;
  /** Streams remembered of one. */
  readonly refusersPerCase: number;
  /** Contents that wait for a second party's word because of one certificate. */
  readonly openPerCertificate: number;
  /** Searches for a bad part at one time, one for a scope, and parts of one search. */
  readonly hunts: number;
  readonly suspects: number;
}

export const bookLimits: BookLimits = {
  cases: 512,
  refusersPerCase: 32,
  openPerCertificate: 32,
  hunts: 64,
  suspects: 4_096,
};

/** A stream and what it gets under a name now. */
export interface Recipient {
  readonly connectionId: string;
  readonly certificate: string;
  readonly envoyVersion: string;
  /** Undefined where it has not asked for anything of the type yet, and may. */
  readonly resource: Resource | undefined;
}

export interface Rejection {
  readonly connectionId: string;
  readonly refuser: Refuser;
  readonly envoyVersion: string;
  readonly typeUrl: string;
  readonly resources: readonly Resource[];
}

export interface BookPorts {
  /** Streams that get something under the name, or may ask for it. */
  recipients(typeUrl: string, name: string): Iterable<Recipient>;
  /** Something is served instead from now on; undefined where the content itself is again. */
  substitute(key: string, substitution: Substitution | undefined): void;
  /** A case is new, is another one, or is over. */
  changed(refused: RefusedCase): void;
  /** A bound was reached. */
  full(limit: "cases" | "hunts" | "suspects"): void;
  /** Wall clock, milliseconds. */
  now(): number;
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

export class Book {
  private readonly ports: BookPorts;
  private readonly limits: BookLimits;
  private readonly accepted = new AcceptedContent();
  private readonly sets = new Map<ServedSet, WatchedSet>();
  private readonly cases = new Map<string, RefusedCase>();
  /** By name of the resource. */
  private readonly casesByName = new SetMap<string, RefusedCase>();
  /** By set and name of the route configuration: each scope has its own composition of it. */
  private readonly searches = new Map<string, Search>();

  constructor(ports: BookPorts, limits: Partial<BookLimits> = {}) {
    this.ports = ports;
    this.limits = { ...bookLimits, ...limits };
  }

  /** Cases that are true now, of all verdicts. */
  *current(): Iterable<RefusedCase> {
    for (const refused of this.cases.values()) if (refused.current) yield refused;
  }

  get counts(): { cases: number; searches: number; sets: number } {
    return { cases: this.cases.size, searches: this.searches.size, sets: this.sets.size };
  }

  /** @returns what tells of the set's end */
  watch(set: ServedSet): () => void {
    const watched = new WatchedSet(set, (resource) => this.accepted.has(set.envoyVersion, resource));
    this.sets.set(set, watched);
    const ends = [
      set.served.subscribe((changes) => {
        watched.changed(changes);
        this.moved(set, changes, false);
      }),
      set.made.subscribe((changes) => this.moved(set, changes, true)),
    ];
    for (const refused of this.cases.values()) this.lookFor(refused, set);
    return () => {
      for (const end of ends) end();
      this.sets.delete(set);
      for (const refused of this.cases.values()) refused.present.delete(presenceKey(set));
      this.endSearches(set);
    };
  }

  /** A stream acknowledged resources, or came with them. */
  accept(connectionId: string, envoyVersion: string, typeUrl: string, resources: Iterable<Resource>): void {
    const isQuiet = this.cases.size === 0 && this.searches.size === 0;
    for (const resource of resources) {
      this.accepted.add(envoyVersion, resource, connectionId);
      if (!isQuiet) this.acceptedNow(connectionId, envoyVersion, typeUrl, resource);
    }
  }

  reject(rejection: Rejection): void {
    const { envoyVersion, connectionId, refuser } = rejection;
    for (const resource of this.meant(rejection)) {
      this.accepted.retract(envoyVersion, resource, connectionId);
      const refused = this.caseOf(rejection, resource);
      if (refused === undefined) continue;
      refused.message = wordsOn(refuser.message, resource.name);
      const word = { ...refuser, message: refused.message };
      if (refused.refusers.size < this.limits.refusersPerCase) refused.refusers.set(connectionId, word);
      else if (!refused.refusers.has(connectionId)) refused.uncounted += 1;
      this.judge(refused, resource);
      this.ports.changed(refused);
    }
  }

  /**
   * A stream has begun. What was set aside on one party's word alone is offered again: whoever was there first must not
   * decide for those who come later.
   */
  joined(envoyVersion: string, certificate: string): void {
    for (const refused of [...this.cases.values()]) {
      if (refused.verdict !== "aside" || refused.subject.envoyVersion !== envoyVersion) continue;
      const words = [...refused.refusers.values()];
      if (words.every((other) => other.certificate === words[0]?.certificate && other.certificate !== certificate)) {
        this.forget(refused);
      }
    }
  }

  /** A stream has ended: one that is alone with its word now may be the only one that gets the content. */
  left(connectionId: string, envoyVersion: string): void {
    for (const refused of [...this.cases.values()]) {
      if (refused.verdict === "aside" || refused.subject.envoyVersion !== envoyVersion) continue;
      const hadSaid = refused.refusers.delete(connectionId);
      if (refused.refusers.size === 0) {
        if (hadSaid) this.over(refused);
        continue;
      }
      if (refused.verdict === "open") this.reconsider(refused);
      else this.ports.changed(refused);
    }
  }

  /** An object has become another one, or is gone. */
  objectChanged({ kind, namespace, name }: ConfigRef): void {
    for (const refused of [...this.cases.values()]) {
      if (!refused.current || refused.present.size > 0) continue;
      const isMaker = refused.sources.some(
        (ref) => ref.kind === kind && ref.namespace === namespace && ref.name === name,
      );
      if (isMaker) this.over(refused);
    }
  }

  /** Of several resources that a client rejected together, only those that it names are meant for certain. */
  private meant({ resources, refuser: { message } }: Rejection): readonly Resource[] {
    if (resources.length <= 1) return resources;
    // Heads of route configurations travel with their virtual hosts, and are judged as one.
    const heads = resources.filter((resource) => resource.fragments !== undefined);
    const others = resources.filter(
      ({ typeUrl, fragments }) => fragments === undefined && typeUrl !== typeUrls.routePart,
    );
    return [
      ...heads.filter(({ name }) => heads.length === 1 || mentions(message, name)),
      ...others.filter(({ name }) => mentions(message, name)),
    ];
  }

  private caseOf(rejection: Rejection, resource: Resource): RefusedCase | undefined {
    const { envoyVersion, typeUrl, refuser } = rejection;
    const subject: Subject = {
      envoyVersion,
      typeUrl,
      name: resource.name,
      fragment: undefined,
      version: resource.version,
    };
    const known = this.cases.get(substitutionKey(subject));
    if (known !== undefined) return known;
    let open = 0;
    for (const each of this.cases.values()) {
      if (
        each.verdict !== "aside" &&
        [...each.refusers.values()].every((other) => other.certificate === refuser.certificate)
      )
        open += 1;
    }
    if (open >= this.limits.openPerCertificate) {
      this.ports.full("cases");
      return undefined;
    }
    return this.addCase(subject, resource, refuser.message);
  }

  private addCase(subject: Subject, content: Resource | ResourceFragment, message: string): RefusedCase | undefined {
    if (this.cases.size >= this.limits.cases && !this.makeRoom()) {
      this.ports.full("cases");
      return undefined;
    }
    const refused: RefusedCase = {
      id: substitutionKey(subject),
      ...{ subject, content, message, sources: content.sources, sinceMs: this.ports.now() },
      ...{ verdict: "open", refusers: new Map(), uncounted: 0, present: new Set(), hasAccepted: false, current: true },
    };
    this.cases.set(refused.id, refused);
    this.casesByName.add(subject.name, refused);
    for (const set of this.sets.keys()) this.lookFor(refused, set);
    return refused;
  }

  /** Forgets what is over first, then what only one party said, oldest first. */
  private makeRoom(): boolean {
    const all = [...this.cases.values()];
    const victim = all.find(({ current }) => !current) ?? all.find(({ verdict }) => verdict !== "aside");
    if (victim !== undefined) this.forget(victim);
    return victim !== undefined;
  }

  private judge(refused: RefusedCase, resource: Resource): void {
    if (refused.verdict === "aside") return;
    const { envoyVersion } = refused.subject;
    if (isOwnAffair(refused.message)) refused.verdict = "own-affair";
    else if (this.accepted.has(envoyVersion, resource)) refused.verdict = "accepted";
    else if (!this.isProven(refused)) refused.verdict = "open";
    else if (resource.fragments === undefined) this.setAside(refused);
    else this.searchEverywhere(refused, resource);
  }

  private searchEverywhere(refused: RefusedCase, resource: Resource): void {
    const places = new Set<string>();
    for (const set of this.sets.keys()) if (has(set, refused.subject, false)) places.add(set.key);
    let isOn = false;
    for (const place of places) if (this.search(refused, resource, place)) isOn = true;
    if (isOn) this.forget(refused);
    else refused.verdict = "unattributed";
  }

  /** Those whose word was still to come may have gone, or get something else now. */
  private reconsider(refused: RefusedCase): void {
    if (refused.refusers.size === 0) return;
    this.judge(refused, refused.content as Resource);
    this.ports.changed(refused);
  }

  private isProven({ refusers, subject }: RefusedCase): boolean {
    const certificates = new Set([...refusers.values()].map(({ certificate }) => certificate));
    if (certificates.size > 1) return true;
    let isServed = false;
    for (const other of this.ports.recipients(subject.typeUrl, subject.name)) {
      if (other.envoyVersion !== subject.envoyVersion) continue;
      if (other.resource !== undefined && other.resource.version !== subject.version) continue;
      if (refusers.has(other.connectionId)) isServed = true;
      else if (!certificates.has(other.certificate)) return false;
    }
    return isServed;
  }

  private setAside(refused: RefusedCase): void {
    refused.verdict = "aside";
    this.ports.substitute(refused.id, this.substitutionOf(refused.subject, refused.content, refused.message));
    refused.hasAccepted = this.acceptedFor(refused.subject, refused.content).size > 0;
    this.lookEverywhere(refused);
  }

  private substitutionOf(subject: Subject, content: Resource | ResourceFragment, message: string): Substitution {
    return {
      ...subject,
      only: undefined,
      accepted: this.acceptedFor(subject, content),
      message,
      sources: content.sources,
    };
  }

  /** The last accepted content of each set that has the rejected one. */
  private acceptedFor(
    subject: Subject,
    content: Resource | ResourceFragment,
  ): Map<string, Resource | ResourceFragment> {
    const found = new Map<string, Resource | ResourceFragment>();
    for (const [set, watched] of this.sets) {
      if (!has(set, subject, true)) continue;
      const whole = watched.lastAccepted(subject.name);
      const accepted =
        subject.fragment === undefined ? whole : whole?.fragments?.find(({ name }) => name === subject.fragment);
      if (accepted !== undefined && accepted.version !== content.version) found.set(set.key, accepted);
    }
    return found;
  }

  /** @returns false where nothing could be found to suspect */
  private search(refused: RefusedCase, resource: Resource, place: string): boolean {
    const { envoyVersion, name } = refused.subject;
    const key = searchKey(place, name);
    const running = this.searches.get(key);
    const suspects = this.suspectsIn(refused.subject, resource, place, running?.cleared);
    if (suspects.length === 0) return false;
    // Convicted a moment ago, for another scope: that explains it.
    if (suspects.some((part) => this.isAside(envoyVersion, name, part))) return true;
    if (running !== undefined) {
      running.message = refused.message;
      for (const [id, refuser] of refused.refusers) running.refusers.set(id, refuser);
      const probed = new Set(running.hunt.probed.map(partKey));
      running.hunt.rejected(suspects.filter((part) => !probed.has(partKey(part))));
      this.advance(key, running);
      return true;
    }
    const named = suspects.length === 1 ? suspects : namedByAll(suspects, refused);
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

  /** Parts that the objects make and nobody of the version has accepted. */
  private suspectsIn(
    { envoyVersion, name }: Subject,
    resource: Resource,
    place: string,
    cleared: ReadonlySet<string> = new Set(),
  ): ResourceFragment[] {
    const known = new Set<string>(cleared);
    const made = new Set<string>();
    for (const [set, watched] of this.sets) {
      if (set.envoyVersion !== envoyVersion || !isRoute(set.typeUrl)) continue;
      for (const part of watched.lastAccepted(name)?.fragments ?? []) known.add(partKey(part));
      if (set.key === place) for (const part of set.made.get(name)?.fragments ?? []) made.add(partKey(part));
      if (set.typeUrl !== typeUrls.routePart) continue;
      // Virtual hosts that travel alone, and that somebody had before the control plane started.
      for (const part of resource.fragments ?? []) {
        const alone = set.served.get(`${name}/${part.name}`);
        if (alone?.version === part.version && this.accepted.has(envoyVersion, alone)) known.add(partKey(part));
      }
    }
    return (resource.fragments ?? []).filter((part) => {
      const key = partKey(part);
      return made.has(key) && !known.has(key) && !this.accepted.has(envoyVersion, part);
    });
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
      const substitution = { ...this.substitutionOf(subject, part, search.message), only: place };
      this.ports.substitute(substitutionKey(subject, place), substitution);
    }
    search.aside.clear();
    for (const [id, part] of next) if (!culprits.has(id)) search.aside.set(id, part);
    const fresh = hunt.culprits.filter((part) => !search.convicted.has(partKey(part)));
    for (const part of fresh) search.convicted.add(partKey(part));
    this.convict(envoyVersion, name, fresh, search);
    if (hunt.over) this.searches.delete(key);
  }

  private convict(
    envoyVersion: string,
    name: string,
    parts: readonly ResourceFragment[],
    by: { readonly message: string; readonly refusers: ReadonlyMap<string, Refuser> },
  ): void {
    for (const part of parts) {
      const subject = partSubject(envoyVersion, name, part);
      if (this.isAside(envoyVersion, name, part)) continue;
      const refused = this.addCase(subject, part, by.message);
      if (refused === undefined) continue;
      for (const [id, refuser] of by.refusers) refused.refusers.set(id, refuser);
      this.setAside(refused);
      this.ports.changed(refused);
      // Other searches will see no verdict on it any more.
      for (const [key, search] of [...this.searches]) {
        if (search.envoyVersion !== envoyVersion || search.name !== name) continue;
        search.hunt.retain((other) => partKey(other) !== partKey(part));
        this.advance(key, search);
      }
    }
  }

  private isAside(envoyVersion: string, name: string, part: ResourceFragment): boolean {
    return this.cases.get(substitutionKey(partSubject(envoyVersion, name, part)))?.verdict === "aside";
  }

  private acceptedNow(connectionId: string, envoyVersion: string, typeUrl: string, resource: Resource): void {
    const found = this.casesByName.get(resource.name);
    for (const refused of found.size === 0 ? [] : [...found]) {
      const { subject } = refused;
      if (subject.envoyVersion !== envoyVersion || !holds(resource, typeUrl, subject)) continue;
      refused.refusers.delete(connectionId);
      if (refused.verdict === "aside") this.ports.substitute(refused.id, undefined);
      if (refused.verdict !== "own-affair") refused.verdict = "accepted";
      if (refused.refusers.size === 0 && refused.uncounted === 0) this.over(refused);
      else {
        this.lookEverywhere(refused);
        this.ports.changed(refused);
      }
    }
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

  /** Content of a set became different. */
  private moved(set: ServedSet, changes: readonly ResourceChange[], made: boolean): void {
    if (this.cases.size === 0 && this.searches.size === 0) return;
    for (const { key } of changes) {
      if (made && isRoute(set.typeUrl)) this.pruneSearch(set.key, key);
      const found = this.casesByName.get(key);
      if (found.size === 0) continue;
      for (const refused of [...found]) {
        if ((refused.verdict === "aside") === made) this.lookFor(refused, set);
      }
    }
  }

  /** The set is gone: who comes back to it says anew what is wrong. */
  private endSearches(set: ServedSet): void {
    for (const other of this.sets.keys()) if (other.key === set.key && isRoute(other.typeUrl)) return;
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
  private pruneSearch(place: string, name: string): void {
    const key = searchKey(place, name);
    const search = this.searches.get(key);
    if (search === undefined) return;
    const present = new Set<string>();
    for (const set of this.sets.keys()) {
      if (set.key !== place || !isRoute(set.typeUrl)) continue;
      for (const part of set.made.get(name)?.fragments ?? []) present.add(partKey(part));
    }
    search.hunt.retain((part) => present.has(partKey(part)));
    this.advance(key, search);
  }

  private lookEverywhere(refused: RefusedCase): void {
    for (const set of this.sets.keys()) this.lookFor(refused, set);
  }

  private lookFor(refused: RefusedCase, set: ServedSet): void {
    const key = presenceKey(set);
    const isThere = has(set, refused.subject, refused.verdict === "aside");
    if (isThere === refused.present.has(key)) return;
    if (isThere) {
      refused.present.add(key);
      if (refused.current) return;
      refused.current = true;
      this.ports.changed(refused);
    } else {
      refused.present.delete(key);
      if (refused.present.size === 0) this.over(refused);
      else if (refused.verdict === "open") this.reconsider(refused);
    }
  }

  /** Nothing has the content any more. What is set aside is remembered, and applies again should the content come back. */
  private over(refused: RefusedCase): void {
    if (refused.verdict !== "aside") this.forget(refused);
    else if (refused.current) {
      refused.current = false;
      // Newest last: it is forgotten after those that were over before it.
      this.cases.delete(refused.id);
      this.cases.set(refused.id, refused);
      this.ports.changed(refused);
    }
  }

  private forget(refused: RefusedCase): void {
    if (this.cases.get(refused.id) !== refused) return;
    this.cases.delete(refused.id);
    this.casesByName.delete(refused.subject.name, refused);
    if (refused.verdict === "aside") this.ports.substitute(refused.id, undefined);
    refused.current = false;
    this.ports.changed(refused);
  }
}

/**
 * The part that every party names: one of them may point at what it wants to be rid of. Where they differ, the parts are
 * tried one after the other.
 */
function namedByAll(suspects: readonly ResourceFragment[], { refusers }: RefusedCase): readonly ResourceFragment[] {
  let named: readonly ResourceFragment[] | undefined;
  const heard = new Set<string>();
  for (const { certificate, message } of refusers.values()) {
    if (heard.has(certificate)) continue;
    heard.add(certificate);
    const own = suspectsNamed(suspects, message);
    if (own.length !== 1 || (named !== undefined && named[0] !== own[0])) return [];
    named = own;
  }
  return named ?? [];
}

function isRoute(typeUrl: string): boolean {
  return typeUrl === typeUrls.route || typeUrl === typeUrls.routePart;
}

function presenceKey(set: ServedSet): string {
  return `${set.typeUrl} ${set.key}`;
}

function searchKey(place: string, name: string): string {
  return `${place} ${name}`;
}

function partKey({ name, version }: ResourceFragment): string {
  return `${name}\n${version}`;
}

function partSubject(envoyVersion: string, name: string, part: ResourceFragment): Subject {
  return { envoyVersion, typeUrl: typeUrls.route, name, fragment: part.name, version: part.version };
}

/** Whether the set has the content, as made of the objects or as served. */
function has(set: ServedSet, subject: Subject, made: boolean): boolean {
  if (set.envoyVersion !== subject.envoyVersion) return false;
  const resource = (made ? set.made : set.served).get(subject.name);
  return resource !== undefined && holds(resource, set.typeUrl, subject);
}

function holds(resource: Resource, typeUrl: string, subject: Subject): boolean {
  if (subject.fragment === undefined) return typeUrl === subject.typeUrl && resource.version === subject.version;
  if (!isRoute(typeUrl) || resource.name !== subject.name) return false;
  return (resource.fragments ?? []).some(
    ({ name, version }) => name === subject.fragment && version === subject.version,
  );
}

/** Our agents say which resource they mean before Envoy's words: `80: …`. */
function wordsOn(message: string, name: string): string {
  return message.startsWith(`${name}: `) ? message.slice(name.length + 2) : message;
}
