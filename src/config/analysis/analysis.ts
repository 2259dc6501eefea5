// The analysis of a mesh that changes: of the index and of the checks, only what reads something that changed is made again.
import type { AnalyzedObject, Finding } from "./analyzed-object.ts";
import type { Check } from "./check.ts";
import { checks as allChecks } from "./checks.ts";
import { Memo } from "./memo.ts";
import { dependsOn, type MeshIndex, type PartName, partOf } from "./mesh-index.ts";
import { type ListName, listObjects, listOf, noObjects, type ObjectLists } from "./object-lists.ts";
import { type AnalysisSettings, defaultAnalysisSettings } from "./settings.ts";
import { finish } from "./steps.ts";

export interface AnalysisOptions extends Partial<AnalysisSettings> {
  /** Problems of which objects are wanted; by default of all. The others still count as being there. */
  readonly only?: ((object: AnalyzedObject) => boolean) | undefined;
}

/** Findings of one analysis. */
const findingLimit = 1_000;

/** The parts that one look at the mesh has needed so far. */
interface Parts {
  readonly lists: ObjectLists;
  readonly made: Map<PartName, unknown>;
  /** The list that is as it is for this look alone. */
  readonly apart?: ListName;
}

/** Objects are told apart by identity: what changed is another object, and what did not change is the same one. */
export class Analysis {
  private readonly settings: AnalysisSettings;
  private readonly only: AnalysisOptions["only"];
  private readonly checks: readonly Check[];
  private readonly memo = new Memo();
  private lists: ObjectLists = noObjects;

  constructor({ only, ...settings }: AnalysisOptions = {}, checks: readonly Check[] = allChecks) {
    this.settings = { ...defaultAnalysisSettings, ...settings };
    this.only = only;
    this.checks = checks;
  }

  /**
   * Looks at the objects as one mesh, a few milliseconds of work at a time: it yields in between.
   *
   * @param objects objects that fit their schemas, of each object one; they must not change until it ends
   * @returns in the order of the objects, the first so many
   */
  *run(objects: readonly AnalyzedObject[]): Generator<void, Finding[], void> {
    const lists = yield* listObjects(objects, this.lists);
    this.lists = lists;
    yield;
    const parts: Parts = { lists, made: new Map() };
    const found = new Map<AnalyzedObject, Finding[]>();
    for (const check of this.checks) {
      for (const each of yield* this.findingsOf(check, parts)) {
        const list = found.get(each.on);
        if (list === undefined) found.set(each.on, [each]);
        else list.push(each);
      }
    }
    return firstOf(found, objects);
  }

  /**
   * What is found of one object beside others, at once. It may be asked while a run is between two steps.
   *
   * @param others without an earlier version of the object
   */
  about(object: AnalyzedObject, others: Iterable<AnalyzedObject>): Finding[] {
    const own = listOf(object.kind);
    if (own === undefined) return [];
    const lists = finish(listObjects(others, this.lists));
    this.lists = { ...lists, [own]: this.lists[own] };
    const parts: Parts = { lists: { ...lists, [own]: [object, ...lists[own]] }, made: new Map(), apart: own };
    const found: Finding[] = [];
    for (const check of this.checks) {
      if (check.of !== own) continue;
      const index = finish(this.index(check.reads, parts));
      const steps = check.find([object] as never, index, {
        settings: this.settings,
        report: (each) => found.push(each),
      });
      for (const _ of steps);
    }
    return found.slice(0, findingLimit);
  }

  private *findingsOf(check: Check, parts: Parts): Generator<void, readonly Finding[], void> {
    const index = yield* this.index(check.reads, parts);
    const list = parts.lists[check.of];
    const inputs = [list, ...check.reads.map((name) => index[name])];
    const before = this.memo.find(check, inputs);
    if (before !== undefined) return before as readonly Finding[];
    const found: Finding[] = [];
    const { only } = this;
    const wanted = only === undefined ? list : (list as readonly AnalyzedObject[]).filter(only);
    yield* check.find(wanted as never, index, { settings: this.settings, report: (each) => found.push(each) });
    // Of more, none would be among the first of all checks together.
    const kept =
      found.length > findingLimit
        ? firstOf(
            Map.groupBy(found, ({ on }) => on),
            list,
          )
        : found;
    this.memo.keep(check, inputs, kept);
    yield;
    return kept;
  }

  private *index<P extends PartName>(names: readonly P[], parts: Parts): Generator<void, Pick<MeshIndex, P>, void> {
    const index: Partial<Record<P, unknown>> = {};
    for (const name of names) index[name] = yield* this.part(name, parts);
    return index as Pick<MeshIndex, P>;
  }

  private *part(name: PartName, parts: Parts): Generator<void, unknown, void> {
    const part = partOf(name);
    if (part === undefined) return parts.lists[name as ListName];
    const made = parts.made.get(name);
    if (made !== undefined) return made;
    const index = yield* this.index(part.reads, parts);
    const inputs = part.reads.map((read) => index[read]);
    let value = this.memo.find(part, inputs);
    if (value === undefined) {
      value = yield* part.make(index, this.settings, this.memo.last(part) as never);
      if (parts.apart === undefined || !dependsOn(name, parts.apart)) this.memo.keep(part, inputs, value);
      yield;
    }
    parts.made.set(name, value);
    return value;
  }
}

function firstOf(found: ReadonlyMap<AnalyzedObject, readonly Finding[]>, order: readonly AnalyzedObject[]): Finding[] {
  const first: Finding[] = [];
  if (found.size === 0) return first;
  for (const each of order) {
    first.push(...(found.get(each) ?? []));
    if (first.length >= findingLimit) break;
  }
  return first.slice(0, findingLimit);
}
