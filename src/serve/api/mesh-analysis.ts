// What only several objects together show, said to those who write them: in the answer to a write, and in the log for files.
import type { Collection } from "../../collection/collection.ts";
import { analyze } from "../../config/analysis/analyze.ts";
import type { AnalyzedObject } from "../../config/analysis/analyzed-object.ts";
import type { Kind } from "../../config/kind.ts";
import type { ListenPorts } from "../../config/listener-port.ts";
import { type ApiObject, type Config, formatConfigKey, type Origin } from "../../config/object.ts";
import { formatProblem, type Problem } from "../../config/problem.ts";
import type { Cancel, Clock } from "../../kernel/clock.ts";
import type { Stoppable } from "../../kernel/lifecycle.ts";
import type { Log } from "../../kernel/log.ts";

/** After a change of files, milliseconds: several are often saved together, and what one lacks the next may bring. */
const settleMs = 200;
/** Warnings that one change puts into the log. */
const loggedLimit = 20;

export interface MeshAnalysisOptions {
  /** Every object of every source. */
  objects: Collection<Config>;
  /** Cluster id of this control plane, part of each object's key. */
  source: string;
  rootNamespace: string;
  domainSuffix: string;
  listenPorts: ListenPorts;
  /** Where an object of a file is now; the origin of the object itself may be of before an edit above it. */
  originOf: (key: string) => Origin | undefined;
  clock: Clock;
  log: Log;
}

export class MeshAnalysis implements Stoppable {
  private readonly options: MeshAnalysisOptions;
  private readonly unsubscribe: () => void;
  private timer: Cancel | undefined;
  /** What was said already, so that a change elsewhere does not repeat it. */
  private said: ReadonlySet<string> = new Set();

  constructor(options: MeshAnalysisOptions) {
    this.options = options;
    this.unsubscribe = options.objects.subscribe(() => this.wake());
    this.wake();
  }

  async stop(): Promise<void> {
    this.unsubscribe();
    this.timer?.();
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

  private get settings(): Pick<MeshAnalysisOptions, "domainSuffix" | "rootNamespace" | "listenPorts"> {
    const { domainSuffix, rootNamespace, listenPorts } = this.options;
    return { domainSuffix, rootNamespace, listenPorts };
  }

  private wake(): void {
    this.timer ??= this.options.clock.after(settleMs, () => {
      this.timer = undefined;
      this.logFiles();
    });
  }

  /** Files have no author waiting for an answer. */
  private logFiles(): void {
    const { objects, log, originOf } = this.options;
    const all: AnalyzedObject[] = [];
    let files = false;
    for (const [key, config] of objects.entries()) {
      const origin = config.origin === undefined ? undefined : (originOf(key) ?? config.origin);
      files ||= origin !== undefined;
      all.push(origin === undefined ? analyzed(config) : { ...analyzed(config), origin });
    }
    if (!files) {
      this.said = new Set();
      return;
    }
    const found = analyze(all, { ...this.settings, only: (each) => each.origin !== undefined });
    const before = this.said;
    this.said = new Set(found.map(sentence));
    const fresh = found.filter((problem) => !before.has(sentence(problem)));
    for (const problem of fresh.slice(0, loggedLimit)) {
      log.warn("configuration taken with a warning", { problem: formatProblem(problem), code: problem.code });
    }
    if (fresh.length > loggedLimit) {
      log.warn("more warnings about configuration; lateen apply -f FOLDER --dry-run=client lists them", {
        more: fresh.length - loggedLimit,
      });
    }
  }
}

/** Without its line, which an edit further up changes. */
function sentence({ line: _, ...problem }: Problem): string {
  return formatProblem(problem);
}

function analyzed({ key, meta, spec }: Config): AnalyzedObject {
  // The analysis goes by group, whatever the version.
  return { kind: key, object: { apiVersion: key.group, kind: key.kind, metadata: meta, spec } };
}
