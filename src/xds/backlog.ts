// What one client lacks of one type: the wanted names of which it does not hold what the set has, with what it is known to hold.
import type { ResourceSet } from "./generator.ts";
import type { Resource } from "./resource.ts";
import type { Part } from "./subscription-request.ts";
import type { Wanted } from "./wanted.ts";
import type { WholeAnswer, WholeAnswers } from "./whole-answers.ts";
import type { WholeParts } from "./whole-parts.ts";

/** The client is known to hold nothing under the name. */
export const absent = Symbol("absent");
/** What the client holds is not known: send whatever there is. */
export const unknown = Symbol("unknown");
/** The client asked by name and is owed an answer, whatever it holds. */
export const asked = Symbol("asked");
/** The client waits for it, whatever it holds, or for word that it is gone. */
export const demanded = Symbol("demanded");
/** A version that the client holds, or what else is known. */
export type Held = string | typeof absent | typeof unknown | typeof asked | typeof demanded;

/** Bytes of an encoded resource beside its body, name and version, at most. */
const overheadBytes = 160;

/** From this many entries on, the order of a message is the set's. */
const longList = 8;

/** An agent of ours says that it holds the version "" of what Envoy has refused and never had another version of. */
function isNothing(held: Held): boolean {
  return held === absent || held === "";
}

export interface BacklogOptions {
  set: ResourceSet;
  wanted: Wanted;
  /** False where a response cannot say that a resource is gone. */
  tellsRemovals: boolean;
  wholes: WholeParts | undefined;
  /** What others were sent that hold nothing; undefined where each makes its own. */
  answers: WholeAnswers | undefined;
}

export interface News {
  readonly resources: readonly Resource[];
  readonly removed: readonly string[];
  /** Names that the client waits for. */
  readonly owed: readonly string[];
  /** Names under which the client holds nothing; of those that it asked for one by one it may go on with what we took back. */
  readonly fresh: readonly string[];
}

export class Backlog {
  private readonly set: ResourceSet;
  private readonly wanted: Wanted;
  private readonly tellsRemovals: boolean;
  private readonly wholes: WholeParts | undefined;
  private readonly answers: WholeAnswers | undefined;
  private readonly behind = new Map<string, Held>();
  /**
   * Nothing was sent yet to a client that holds nothing: everything it wants is behind, and `behind` is empty. A thousand
   * proxies that start need not have a list each of what is the same for all.
   */
  private lacksAll = false;

  constructor({ set, wanted, tellsRemovals, wholes, answers }: BacklogOptions) {
    this.set = set;
    this.wanted = wanted;
    this.tellsRemovals = tellsRemovals;
    this.wholes = wholes;
    this.answers = answers;
  }

  get size(): number {
    if (!this.lacksAll) return this.behind.size;
    return this.wanted.everything ? this.set.size : this.wanted.names.size;
  }

  /** True where nothing waits to be sent. */
  get isOver(): boolean {
    return this.lacksAll ? !this.pending().present : this.behind.size === 0;
  }

  /** True where what changes in the set makes no difference: all of it goes out anyway. */
  get isEverything(): boolean {
    return this.lacksAll;
  }

  /** True where something about the name waits to be sent. */
  has(name: string): boolean {
    // What is there now says nothing of what a client that lacks all has: what went meanwhile it never had either.
    return this.lacksAll ? this.wanted.has(name) : this.behind.has(name);
  }

  /** Undefined where the client is in step; `list` was called before. */
  get(name: string): Held | undefined {
    return this.behind.get(name);
  }

  put(name: string, held: Held): void {
    this.behind.set(name, held);
  }

  delete(name: string): void {
    this.behind.delete(name);
  }

  clear(): void {
    this.lacksAll = false;
    this.behind.clear();
  }

  /** Leaves what is asked for by name. */
  retainNamed(): void {
    for (const name of this.behind.keys()) if (!this.wanted.names.has(name)) this.behind.delete(name);
  }

  /** The client holds nothing. */
  lackAll(): void {
    this.lacksAll = true;
  }

  /** Makes a list of what is there all the same. */
  list(): void {
    if (!this.lacksAll) return;
    this.lacksAll = false;
    for (const name of this.wanted.names) this.behind.set(name, asked);
    if (!this.wanted.everything) return;
    for (const { name } of this.set.values()) if (!this.wanted.names.has(name)) this.behind.set(name, absent);
  }

  entries(): IterableIterator<[name: string, held: Held]> {
    this.list();
    return this.behind.entries();
  }

  /** Which parts wait to be sent. */
  pending(): { present: boolean; removed: boolean } {
    const pending = { present: false, removed: false };
    if (this.lacksAll) {
      pending.present = this.wanted.names.size > 0 || (this.wanted.everything && this.set.size > 0);
      return pending;
    }
    for (const [name, held] of this.behind) {
      const part = this.partOf(this.set.get(name), held);
      if (part !== "nothing") pending[part] = true;
      if (pending.present && pending.removed) break;
    }
    return pending;
  }

  /**
   * Takes out what goes into the next message; undefined where there is nothing.
   *
   * @param options.limitBytes about how long it may become; a single longer resource goes alone
   * @param options.isOwed an answer is owed even if it is empty
   */
  take(options: { limitBytes: number; part: Part; isOwed: boolean }): News | undefined {
    if (!this.lacksAll) return this.takeListed(options);
    if (options.part === "removed") return undefined;
    const all = this.takeAll(options.limitBytes);
    if (all !== undefined) {
      if (all.resources.length === 0 && !options.isOwed) return undefined;
      this.lacksAll = false;
      return all;
    }
    this.list();
    return this.takeListed(options);
  }

  private takeListed({
    limitBytes,
    part,
    isOwed,
  }: {
    limitBytes: number;
    part: Part;
    isOwed: boolean;
  }): News | undefined {
    if (this.behind.size === 0 && !isOwed) return undefined;
    const resources: Resource[] = [];
    const removed: string[] = [];
    const owed: string[] = [];
    const fresh: string[] = [];
    const done: string[] = [];
    let bytes = 0;
    for (const [name, held, resource] of this.wholes?.inOrder(this.inOrder()) ?? this.inOrder()) {
      const own = this.partOf(resource, held);
      if (own !== "nothing") {
        if (part !== "all" && part !== own) continue;
        const size = overheadBytes + name.length + (resource === undefined ? 0 : resource.body.length);
        if (bytes > 0 && bytes + size > limitBytes && this.wholes?.isWhole(name) !== true) break;
        bytes += size;
        if (held === asked || held === demanded) owed.push(name);
        if (isNothing(held) && !this.wanted.names.has(name)) fresh.push(name);
        if (resource === undefined || resource.withheld === true) removed.push(name);
        else resources.push(resource);
      }
      done.push(name);
    }
    if (done.length === this.behind.size) this.behind.clear();
    else for (const name of done) this.behind.delete(name);
    if (bytes === 0 && (!isOwed || part === "removed")) return undefined;
    return { resources, removed, owed, fresh };
  }

  /** Everything that is wanted; undefined where it is too long for one message, or not all of it is there. */
  private takeAll(limitBytes: number): News | undefined {
    const { answers, set, wanted } = this;
    const isMixed = wanted.everything && wanted.names.size > 0;
    // Without names everything is meant; who wants nothing at all is told nothing.
    const isNothing = !wanted.everything && wanted.names.size === 0;
    const shared = isMixed || isNothing ? undefined : wanted.shared;
    const known = shared === undefined ? undefined : answers?.find(set, shared, limitBytes);
    const answer = known ?? this.wholeAnswer(limitBytes);
    if (answer === undefined) return undefined;
    if (known === undefined && shared !== undefined) answers?.keep(set, shared, limitBytes, answer);
    const { resources, names } = answer;
    if (!wanted.everything) return { resources, removed: [], owed: names, fresh: [] };
    const isNamed = (name: string): boolean => wanted.names.has(name);
    if (isMixed)
      return { resources, removed: [], owed: names.filter(isNamed), fresh: names.filter((name) => !isNamed(name)) };
    return { resources, removed: [], owed: [], fresh: names };
  }

  private wholeAnswer(limitBytes: number): WholeAnswer | undefined {
    const { everything, names: wanted } = this.wanted;
    const resources: Resource[] = [];
    const names: string[] = [];
    let missing = wanted.size;
    let bytes = 0;
    for (const resource of this.set.values()) {
      if (missing > 0 && wanted.has(resource.name)) missing -= 1;
      else if (!everything) continue;
      if (resource.withheld === true) return undefined;
      bytes += overheadBytes + resource.name.length + resource.body.length;
      if (bytes > limitBytes) return undefined;
      resources.push(resource);
      names.push(resource.name);
    }
    return missing === 0 ? { resources, names } : undefined;
  }

  /** Long lists in the order of the set, so that streams that lack the same send the same bytes. */
  private *inOrder(): Iterable<[name: string, held: Held, resource: Resource | undefined]> {
    const { behind, set } = this;
    if (behind.size < longList || behind.size * 2 < set.size) {
      for (const [name, held] of behind) yield [name, held, set.get(name)];
      return;
    }
    let present = 0;
    for (const resource of set.values()) {
      const held = behind.get(resource.name);
      if (held === undefined) continue;
      present += 1;
      yield [resource.name, held, resource];
    }
    if (present === behind.size) return;
    for (const [name, held] of behind) if (set.get(name) === undefined) yield [name, held, undefined];
  }

  private partOf(resource: Resource | undefined, held: Held): "present" | "removed" | "nothing" {
    if (resource?.withheld === true) return held === asked ? "present" : "nothing";
    if (resource !== undefined) return resource.version === held ? "nothing" : "present";
    if (held === absent || !this.tellsRemovals) return "nothing";
    return held === asked || held === demanded ? "present" : "removed";
  }
}
