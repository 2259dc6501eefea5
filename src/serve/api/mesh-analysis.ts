// What only several objects together show, said to those who write them: in the answer to a write, in the status of the
// object, and in the log for files.
import type { Collection } from "../../collection/collection.ts";
import { Derived } from "../../collection/derived.ts";
import { Gradual } from "../../collection/gradual.ts";
import type { Graph } from "../../collection/graph.ts";
import { Source } from "../../collection/source.ts";
import { Analysis } from "../../config/analysis/analysis.ts";
import { type AnalyzedObject, type Finding, toProblem } from "../../config/analysis/analyzed-object.ts";
import { seenObject } from "../../config/analysis/seen-object.ts";
import type { PathNormalization } from "../../config/analysis/settings.ts";
import type { Kind } from "../../config/kind.ts";
import type { ListenPorts } from "../../config/listener-port.ts";
import { type ApiObject, type Config, formatConfigKey, type Origin } from "../../config/object.ts";
import { formatObjectRef, formatProblem, type Problem, type Severity } from "../../config/problem.ts";
import type { Cancel, Clock } from "../../kernel/clock.ts";
import type { Stoppable } from "../../kernel/lifecycle.ts";
import type { Log } from "../../kernel/log.ts";
import type { Slices } from "../../kernel/slices.ts";

/** After a change, milliseconds: several are often made together, and what one lacks the next may bring. */
const settleMs = 200;
/** After an analysis the next waits at least so many times as long as it took: a large mesh that never rests costs a tenth. */
const restFactor = 9;
/** Objects that are taken up at once, of those that are there from the beginning. */
const takenUpAtOnce = 1_000;
/** Warnings that one change puts into the log. */
const loggedLimit = 20;

/** Findings that the status of one object names. */
const messageLimit = 20;
const levels: Readonly<Record<Severity, string>> = { error: "ERROR", warning: "WARNING", info: "INFO" };

/** Istio's AnalysisMessageBase, with the sentence. */
interface ValidationMessage {
  type: { code: string };
  /** `ERROR`, `WARNING` or `INFO`. */
  level: string;
  message: string;
}

/** As Istio's IstioStatus has it. */
export interface FoundStatus {
  validationMessages: readonly ValidationMessage[];
}

export interface MeshAnalysisOptions {
  /** Every object of every source. */
  objects: Collection<Config>;
  /** Cluster id of this control plane, part of each object's key. */
  source: string;
  rootNamespace: string;
  domainSuffix: string;
  listenPorts: ListenPorts;
  pathNormalization: PathNormalization;
  /** What is wrong with files, by path, of each watched folder. */
  fileProblems?: readonly Collection<readonly Problem[]>[];
  /** Where an object of a file is now; the origin of the object itself may be of before an edit above it. */
  originOf: (key: string) => Origin | undefined;
  /** 1-based line of a field of the object at a place. */
  lineOf?: (origin: Origin, path: string) => number | undefined;
  graph: Graph;
  clock: Clock;
  log: Log;
  /** Where an analysis is made, piece by piece; at once without. */
  slices?: Slices;
  /** Told of work that was done without giving the event loop back. */
  onWork?: (what: string, tookMs: number) => void;
}

export class MeshAnalysis implements Stoppable {
  /** What is found of each object that something is found of, by `formatConfigKey`. Follows a change with the delay above. */
  readonly statuses: Source<FoundStatus>;
  private readonly options: MeshAnalysisOptions;
  /** Closed until the first analysis, which opens it bit by bit. */
  private readonly gate: Gradual<Config>;
  /** What a change of wakes: addresses, weights and heartbeats are not in it. */
  private readonly seen: Derived<Config, AnalyzedObject>;
  private readonly analysis: Analysis;
  private readonly unsubscribe: (() => void)[];
  private lastMs = 0;
  /** Set from the wait before an analysis until its end. */
  private timer: Cancel | undefined;
  /** Something changed since the analysis that is going on has begun. */
  private changed = false;
  private stopped = false;
  /** What was said already, so that a change elsewhere does not repeat it. */
  private said: ReadonlySet<string> = new Set();

  constructor(options: MeshAnalysisOptions) {
    this.options = options;
    this.statuses = new Source(options.graph, "findings");
    const { rootNamespace, domainSuffix, listenPorts, pathNormalization } = options;
    this.analysis = new Analysis({ rootNamespace, domainSuffix, listenPorts, pathNormalization });
    this.gate = new Gradual("analyzed-objects, gradually", options.objects);
    this.seen = new Derived({
      name: "analyzed-objects",
      from: this.gate,
      derive: (config, key) => {
        const seen = seenObject(config, key);
        return seen === undefined ? [] : [[key, seen]];
      },
    });
    this.unsubscribe = [this.seen, ...(options.fileProblems ?? [])].map((each: Collection<unknown>) =>
      each.subscribe(() => this.noteChange()),
    );
    this.wake();
  }

  async stop(): Promise<void> {
    for (const end of this.unsubscribe) end();
    this.seen.dispose();
    this.gate.dispose();
    this.stopped = true;
    this.timer?.();
  }

  private noteChange(): void {
    this.changed = true;
    this.wake();
  }

  /** Warnings about an object that is about to be written, beside what is there. */
  problemsOf(kind: Kind, { metadata, spec }: ApiObject): Problem[] {
    if (!this.gate.open) this.gate.release(this.options.objects.size);
    const { namespace, name } = metadata;
    const key = { source: this.options.source, group: kind.group, kind: kind.kind, namespace, name };
    const own = formatConfigKey(key);
    const written = seenObject({ key, meta: metadata, spec }, own);
    if (written === undefined) return [];
    return this.analysis.about(written, withoutKey(this.seen, own)).map((each) => toProblem(each));
  }

  /** Objects with a finding, by its code. */
  countByCode(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const { validationMessages } of this.statuses.values()) {
      for (const code of new Set(validationMessages.map(({ type }) => type.code))) {
        counts.set(code, (counts.get(code) ?? 0) + 1);
      }
    }
    return counts;
  }

  private wake(): void {
    const { clock, slices, onWork } = this.options;
    this.timer ??= clock.after(Math.max(settleMs, restFactor * this.lastMs), () => {
      const look = this.look();
      let spentMs = 0;
      const step = (): boolean => {
        const startMs = clock.monotonic();
        const isOver = this.stopped || look.next().done === true;
        const tookMs = clock.monotonic() - startMs;
        onWork?.("analysis of the mesh", tookMs);
        spentMs += tookMs;
        if (!isOver) return true;
        this.lastMs = spentMs;
        this.timer = undefined;
        if (this.changed) this.wake();
        this.changed = false;
        return false;
      };
      if (slices !== undefined) slices.add(step);
      else while (step());
    });
  }

  /** In steps; it looks at the objects as they are when it begins. */
  private *look(): Generator<void, void, void> {
    while (!this.gate.open) {
      this.gate.release(takenUpAtOnce);
      yield;
    }
    this.changed = false;
    const found = yield* this.analysis.run([...this.seen.values()]);
    yield;
    const ofFiles = this.ofFiles();
    yield;
    this.publish(found, ofFiles);
    yield;
    this.log(found.map((each) => this.placed(each)).filter((problem) => problem.file !== undefined));
  }

  /** With the place where its object is now. */
  private placed(found: Finding): Problem {
    const { objects, originOf } = this.options;
    const { key = "" } = found.on;
    const origin = objects.get(key)?.origin;
    return toProblem(found, origin === undefined ? undefined : (originOf(key) ?? origin));
  }

  /** Errors of files that concern objects: those that are named, or else all that the file had when it was last read. */
  private ofFiles(): [key: string, Problem][] {
    const errors = (this.options.fileProblems ?? []).flatMap((files) =>
      [...files.entries()].flatMap(([path, problems]) =>
        problems.filter(({ severity }) => severity === "error").map((problem) => [path, problem] as const),
      ),
    );
    if (errors.length === 0) return [];
    const keys = new Map<string, string>();
    const keysByFile = new Map<string, string[]>();
    for (const [key, { key: parts, origin }] of this.options.objects.entries()) {
      keys.set(formatObjectRef(parts), key);
      if (origin === undefined) continue;
      const list = keysByFile.get(origin.file);
      if (list === undefined) keysByFile.set(origin.file, [key]);
      else list.push(key);
    }
    return errors.flatMap(([path, problem]) => {
      if (problem.object === undefined)
        return (keysByFile.get(path) ?? []).map((key): [string, Problem] => [key, problem]);
      const key = keys.get(formatObjectRef(problem.object));
      return key === undefined ? [] : [[key, problem]];
    });
  }

  private publish(found: readonly Finding[], ofFiles: readonly [key: string, Problem][]): void {
    const messages = new Map<string, ValidationMessage[]>();
    const add = (key: string | undefined, problem: Problem): void => {
      if (key === undefined) return;
      const list = messages.get(key) ?? [];
      if (list.length < messageLimit) messages.set(key, [...list, validationMessage(problem)]);
    };
    for (const [key, problem] of ofFiles) add(key, problem);
    // Without file and line: an edit further up would change the status of everything below it.
    for (const each of found) add(each.on.key, toProblem(each));
    this.statuses.replace(new Map([...messages].map(([key, list]) => [key, { validationMessages: list }])));
  }

  /** Files have no author waiting for an answer. */
  private log(found: readonly Problem[]): void {
    const { log, lineOf } = this.options;
    const before = this.said;
    this.said = new Set(found.map(sentence));
    const fresh = found.filter((problem) => !before.has(sentence(problem)));
    for (const problem of fresh.slice(0, loggedLimit)) {
      const { file, line, path = "" } = problem;
      const exact = file === undefined || line === undefined ? undefined : lineOf?.({ file, line }, path);
      const text = formatProblem(exact === undefined ? problem : { ...problem, line: exact });
      log.warn("configuration taken with a warning", { problem: text, code: problem.code });
    }
    if (fresh.length > loggedLimit) {
      log.warn("more warnings about configuration; lateen apply -f FOLDER --dry-run=client lists them", {
        more: fresh.length - loggedLimit,
      });
    }
  }
}

function validationMessage({ severity, code, path, message, remedy, file, line }: Problem): ValidationMessage {
  const place = file === undefined ? "" : `${file}${line === undefined ? "" : `:${line}`}: `;
  const field = path === undefined || path === "" ? "" : `${path}: `;
  const advice = remedy === undefined ? "" : ` (${remedy})`;
  return { type: { code }, level: levels[severity], message: `${place}${field}${message}${advice}` };
}

/** Without its line, which an edit further up changes. */
function sentence({ line: _, ...problem }: Problem): string {
  return formatProblem(problem);
}

function* withoutKey(objects: Collection<AnalyzedObject>, own: string): Iterable<AnalyzedObject> {
  for (const [key, each] of objects.entries()) if (key !== own) yield each;
}
