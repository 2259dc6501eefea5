// What only several objects together show, said to those who write them: in the answer to a write, in the status of the
// object, and in the log for files.
import type { Collection } from "../../collection/collection.ts";
import type { Graph } from "../../collection/graph.ts";
import { Source } from "../../collection/source.ts";
import { analyze, analyzeInSteps } from "../../config/analysis/analyze.ts";
import type { AnalyzedObject } from "../../config/analysis/analyzed-object.ts";
import type { PathNormalization } from "../../config/analysis/evadable-conditions.ts";
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
    const { objects, fileProblems = [] } = options;
    this.unsubscribe = [objects, ...fileProblems].map((each: Collection<unknown>) =>
      each.subscribe(() => this.noteChange()),
    );
    this.wake();
  }

  async stop(): Promise<void> {
    for (const end of this.unsubscribe) end();
    this.stopped = true;
    this.timer?.();
  }

  private noteChange(): void {
    this.changed = true;
    this.wake();
  }

  /** Warnings about an object that is about to be written, beside what is there. */
  problemsOf(kind: Kind, object: ApiObject): Problem[] {
    const { objects, source } = this.options;
    const { namespace, name } = object.metadata;
    const own = formatConfigKey({ source, group: kind.group, kind: kind.kind, namespace, name });
    const written: AnalyzedObject = { kind, object };
    const all = [written];
    for (const [key, config] of objects.entries()) if (key !== own) all.push(analyzed(config));
    return analyze(all, { ...this.settings, only: (each) => each === written });
  }

  private get settings(): Pick<
    MeshAnalysisOptions,
    "domainSuffix" | "rootNamespace" | "listenPorts" | "pathNormalization"
  > {
    const { domainSuffix, rootNamespace, listenPorts, pathNormalization } = this.options;
    return { domainSuffix, rootNamespace, listenPorts, pathNormalization };
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
    const { objects, originOf } = this.options;
    this.changed = false;
    const all: AnalyzedObject[] = [];
    const keys = new Map<string, string>();
    const keysByFile = new Map<string, string[]>();
    for (const [key, config] of objects.entries()) {
      const file = config.origin?.file;
      if (file !== undefined) {
        const list = keysByFile.get(file);
        if (list === undefined) keysByFile.set(file, [key]);
        else list.push(key);
      }
      const origin = config.origin === undefined ? undefined : (originOf(key) ?? config.origin);
      all.push(origin === undefined ? analyzed(config) : { ...analyzed(config), origin });
      keys.set(formatObjectRef(config.key), key);
    }
    yield;
    const found = yield* analyzeInSteps(all, this.settings);
    yield;
    this.publish(found, keys, keysByFile);
    this.log(found.filter((problem) => problem.file !== undefined));
  }

  /**
   * @param keys by object
   * @param keysByFile of the objects that stay as they were where their file cannot be read
   */
  private publish(
    found: readonly Problem[],
    keys: ReadonlyMap<string, string>,
    keysByFile: ReadonlyMap<string, readonly string[]>,
  ): void {
    const messages = new Map<string, ValidationMessage[]>();
    const add = (key: string | undefined, problem: Problem): void => {
      if (key === undefined) return;
      const list = messages.get(key) ?? [];
      if (list.length < messageLimit) messages.set(key, [...list, validationMessage(problem)]);
    };
    for (const file of this.options.fileProblems ?? []) {
      for (const [path, problems] of file.entries()) {
        for (const problem of problems.filter(({ severity }) => severity === "error")) {
          if (problem.object !== undefined) add(keys.get(formatObjectRef(problem.object)), problem);
          else for (const key of keysByFile.get(path) ?? []) add(key, problem);
        }
      }
    }
    // Without file and line: an edit further up would change the status of everything below it.
    for (const { file: _f, line: _l, ...problem } of found) {
      if (problem.object !== undefined) add(keys.get(formatObjectRef(problem.object)), problem);
    }
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

function analyzed({ key, meta, spec }: Config): AnalyzedObject {
  // The analysis goes by group, whatever the version.
  return { kind: key, object: { apiVersion: key.group, kind: key.kind, metadata: meta, spec } };
}
