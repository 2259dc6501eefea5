// Decides what becomes of content that proxies reject. It knows streams, sets and objects by name only, and no time but
// what it is told, so that any history can be played to it.
//
// Whose word counts: a machine may be hostile, and must not freeze the configuration of others. So content is set aside for
// a whole Envoy version only when two parties reject it, or all that get it; never when somebody of the version has accepted
// it, and no longer once somebody does. What nobody is sent nobody can accept, and two parties may be one in truth: so it
// is offered again from time to time, while there is somebody who has not spoken.
import { SetMap } from "../../kernel/set-map.ts";
import type { ConfigRef } from "../../xds/config-ref.ts";
import type { ResourceChange } from "../../xds/generator.ts";
import { namesIn } from "../../xds/isolation.ts";
import type { Resource, ResourceFragment } from "../../xds/resource.ts";
import { type ServedSet, substitutionKey } from "../../xds/substitution.ts";
import { typeUrls } from "../../xds/type-url.ts";
import { AcceptedContent } from "./accepted-content.ts";
import { type BookLimits, type BookPorts, bookLimits, type Opening, type Rejection } from "./book-ports.ts";
import { isOwnAffair } from "./own-affair.ts";
import { PartSearches, type Words } from "./part-searches.ts";
import { areSeveral, hasSpoken, isSameParty, type Party } from "./party.ts";
import type { RefusedCase } from "./refused-case.ts";
import { holds, isRoute, partSubject, type Subject, setHolds } from "./subject.ts";
import { TrialTimes } from "./trial-times.ts";
import { WatchedSets } from "./watched-sets.ts";

export class Book {
  private readonly ports: BookPorts;
  private readonly limits: BookLimits;
  private readonly accepted = new AcceptedContent();
  private readonly sets = new WatchedSets(this.accepted);
  private readonly cases = new Map<string, RefusedCase>();
  /** By name of the resource. */
  private readonly casesByName = new SetMap<string, RefusedCase>();
  private readonly searches: PartSearches;
  private readonly trials: TrialTimes;

  constructor(ports: BookPorts, limits: Partial<BookLimits> = {}) {
    this.ports = ports;
    this.limits = { ...bookLimits, ...limits };
    this.trials = new TrialTimes(this.limits.cases);
    this.searches = new PartSearches(
      {
        sets: this.sets,
        substitute: (key, substitution) => ports.substitute(key, substitution),
        convict: (envoyVersion, name, part, by) => this.convict(envoyVersion, name, part, by),
        isAside: (envoyVersion, name, part) =>
          this.cases.get(substitutionKey(partSubject(envoyVersion, name, part)))?.verdict === "aside",
        full: (limit) => ports.full(limit),
      },
      this.limits,
    );
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
    const watched = this.sets.add(set);
    const ends = [
      set.served.subscribe((changes) => {
        watched.changed(changes);
        this.moved(set, changes, false);
      }),
      set.made.subscribe((changes) => this.moved(set, changes, true)),
    ];
    for (const refused of [...this.cases.values()]) this.lookFor(refused, set);
    return () => {
      for (const end of ends) end();
      this.sets.delete(set);
      for (const refused of this.cases.values()) refused.present.delete(set);
      this.searches.end(set);
    };
  }

  /** A stream acknowledged resources, or came with them. */
  accept(connectionId: string, envoyVersion: string, typeUrl: string, resources: readonly Resource[]): void {
    const isQuiet = this.cases.size === 0 && this.searches.size === 0;
    this.accepted.add(envoyVersion, resources, connectionId);
    if (isQuiet) return;
    for (const resource of resources) this.acceptedNow(connectionId, envoyVersion, typeUrl, resource);
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

  /** A stream has begun. */
  joined(envoyVersion: string): void {
    this.accepted.joined(envoyVersion);
  }

  /**
   * A stream is about to get resources of a type. What was set aside on another party's word alone is offered again:
   * whoever was there first must not decide for those who come later. What the stream comes with, it has accepted.
   */
  opened(opening: Opening): void {
    const { connectionId, envoyVersion, typeUrl, resources, held } = opening;
    for (const refused of [...this.cases.values()]) {
      const { subject, verdict, present, refusers } = refused;
      if (verdict !== "aside" || subject.envoyVersion !== envoyVersion) continue;
      const version = held.get(subject.name);
      for (const set of version === undefined ? [] : [...present]) {
        const made = set.typeUrl === typeUrl ? set.made.get(subject.name) : undefined;
        if (made !== undefined && made.version === version) this.accept(connectionId, envoyVersion, typeUrl, [made]);
      }
      if (refused.verdict !== "aside" || areSeveral(refusers.values()) || hasSpoken(refusers.values(), opening))
        continue;
      const served = resources.get(subject.name);
      const isConcerned = [...present].some(
        (set) => set.typeUrl === typeUrl && set.served.get(subject.name) === served,
      );
      if (isConcerned) this.forget(refused);
    }
  }

  /**
   * Offers some of what is set aside once more, where there are streams that have not said what they think of it.
   *
   * @param nowMs monotonic milliseconds
   */
  tick(nowMs: number): void {
    for (const { name } of this.trials.tick(nowMs)) {
      for (const refused of [...this.casesByName.get(name)]) if (refused.verdict === "open") this.reconsider(refused);
    }
    for (const id of this.trials.due()) {
      const refused = this.cases.get(id);
      if (refused?.verdict !== "aside") this.trials.forget(id);
      else if (refused.current && this.isUndecided(refused)) {
        this.trials.begin(id);
        this.forget(refused);
      }
    }
  }

  /** Whether a stream would get it that the last trial may have missed, and whose machine has not spoken. */
  private isUndecided({ id, subject, refusers }: RefusedCase): boolean {
    for (const stream of this.ports.recipients(subject.typeUrl, subject.name)) {
      if (stream.resource === undefined || stream.envoyVersion !== subject.envoyVersion) continue;
      if (this.trials.mayOffer(id, stream.sinceMs) && !hasSpoken(refusers.values(), stream)) return true;
    }
    return false;
  }

  /** A stream has ended: one that is alone with its word now may be the only one that gets the content. */
  left(connectionId: string, envoyVersion: string): void {
    this.accepted.left(envoyVersion);
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
    const named = namesIn(message);
    return [
      ...heads.filter(({ name }) => heads.length === 1 || named.has(name)),
      ...others.filter(({ name }) => named.has(name)),
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
    let own = 0;
    for (const each of this.cases.values()) if (each.current && isWordOf(each, refuser.party)) own += 1;
    if (own >= this.limits.perParty) {
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
    for (const set of this.sets.all()) this.lookFor(refused, set);
    return refused;
  }

  /** Forgets what is over first, then what only one party said, oldest first. */
  private makeRoom(): boolean {
    const all = [...this.cases.values()];
    const victim =
      all.find(({ current }) => !current) ??
      all.find(({ verdict }) => verdict !== "aside") ??
      all.find((each) => !areSeveral(each.refusers.values()));
    if (victim !== undefined) this.forget(victim);
    return victim !== undefined;
  }

  private judge(refused: RefusedCase, resource: Resource): void {
    if (refused.verdict === "aside") return;
    const { envoyVersion } = refused.subject;
    if (isOwnAffair(refused.message)) refused.verdict = "own-affair";
    else if (this.accepted.has(envoyVersion, resource)) refused.verdict = "accepted";
    else if (this.isOnTrial(refused, resource) || !this.isProven(refused)) refused.verdict = "open";
    else if (resource.fragments === undefined) this.setAside(refused);
    else if (this.searches.rejected(refused, resource)) this.forget(refused);
    else refused.verdict = "unattributed";
  }

  /** Those whose word was still to come may have gone, or get something else now. */
  private reconsider(refused: RefusedCase): void {
    if (refused.refusers.size === 0) return;
    this.judge(refused, refused.content as Resource);
    this.ports.changed(refused);
  }

  private isOnTrial({ subject: { envoyVersion, typeUrl } }: RefusedCase, resource: Resource): boolean {
    return this.trials.isOn((subject) => subject.envoyVersion === envoyVersion && holds(resource, typeUrl, subject));
  }

  private isProven({ refusers, subject }: RefusedCase): boolean {
    if (areSeveral(refusers.values())) return true;
    // Machines of one account may be one party; each of them must have its say all the same.
    const certificates = new Set([...refusers.values()].map(({ certificate }) => certificate));
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
    const { id, subject, content, message, sources } = refused;
    const accepted = this.sets.acceptedFor(subject, content);
    refused.verdict = "aside";
    this.trials.aside(id, subject);
    refused.hasAccepted = accepted.size > 0;
    this.ports.substitute(id, { ...subject, only: undefined, accepted, message, sources });
    this.lookEverywhere(refused);
  }

  private convict(envoyVersion: string, name: string, part: ResourceFragment, by: Words): boolean {
    const refused = this.addCase(partSubject(envoyVersion, name, part), part, by.message);
    if (refused === undefined) return false;
    for (const [id, refuser] of by.refusers) refused.refusers.set(id, refuser);
    this.setAside(refused);
    this.ports.changed(refused);
    return true;
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
    this.searches.accepted(envoyVersion, resource);
  }

  /** Content of a set became different. */
  private moved(set: ServedSet, changes: readonly ResourceChange[], made: boolean): void {
    if (this.cases.size === 0 && this.searches.size === 0) return;
    for (const { key } of changes) {
      if (made && isRoute(set.typeUrl)) this.searches.prune(set.key, key);
      const found = this.casesByName.get(key);
      if (found.size === 0) continue;
      for (const refused of [...found]) {
        if ((refused.verdict === "aside") === made) this.lookFor(refused, set);
      }
    }
  }

  private lookEverywhere(refused: RefusedCase): void {
    for (const set of this.sets.all()) this.lookFor(refused, set);
  }

  private lookFor(refused: RefusedCase, set: ServedSet): void {
    const isThere = setHolds(set, refused.subject, refused.verdict === "aside" ? "made" : "served");
    if (isThere === refused.present.has(set)) return;
    if (isThere) {
      refused.present.add(set);
      if (refused.current) return;
      refused.current = true;
      this.ports.changed(refused);
    } else {
      refused.present.delete(set);
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

/** Whether nobody but one party says so. */
function isWordOf({ refusers }: RefusedCase, party: Party): boolean {
  for (const other of refusers.values()) if (!isSameParty(other.party, party)) return false;
  return true;
}

/** Our agents say which resource they mean before Envoy's words: `80: …`. */
function wordsOn(message: string, name: string): string {
  return message.startsWith(`${name}: `) ? message.slice(name.length + 2) : message;
}
