// The objects of all files of a folder: where several define one, the file whose path sorts first stands.

import type { Graph } from "../../collection/graph.ts";
import { Source } from "../../collection/source.ts";
import type { Config, Origin } from "../../config/object.ts";
import type { Problem } from "../../config/problem.ts";
import { sameData } from "../../kernel/equal.ts";
import { SetMap } from "../../kernel/set-map.ts";
import { sharedData } from "../../kernel/shared-data.ts";
import { type ConfigFile, duplicate } from "./config-file.ts";

export class ObjectTable {
  readonly objects: Source<Config>;
  /** By path of the file or folder; absent where there are none. */
  readonly problems: Source<readonly Problem[]>;
  private readonly graph: Graph;
  private readonly files = new Map<string, ConfigFile>();
  /** Paths that define an object. */
  private readonly definers = new SetMap<string, string>();

  constructor(graph: Graph, name: string) {
    this.graph = graph;
    this.objects = new Source(graph, `objects of ${name}`, sameButForLine);
    this.problems = new Source(graph, `problems of ${name}`);
  }

  file(path: string): ConfigFile | undefined {
    return this.files.get(path);
  }

  paths(): string[] {
    return [...this.files.keys()];
  }

  /** Where the definition that stands is now; the origin of the config itself may be of before an edit above it. */
  originOf(key: string): Origin | undefined {
    const path = this.winner(key);
    const placed = path === undefined ? undefined : this.files.get(path)?.objects.get(key);
    return path === undefined || placed === undefined ? undefined : { file: path, line: placed.line };
  }

  /** Takes up files that were read again (undefined: that are gone), and problems of folders, as one change. */
  update(files: ReadonlyMap<string, ConfigFile | undefined>, faults: ReadonlyMap<string, Problem>): void {
    this.graph.batch(() => {
      const keys = new Set<string>();
      const paths = new Set(files.keys());
      for (const [path, next] of files) this.exchange(path, next, keys);
      for (const key of keys) {
        for (const path of this.definers.get(key)) paths.add(path);
        this.publish(key);
      }
      for (const path of paths) this.publishProblems(path);
      for (const path of this.problems.keys()) {
        if (!this.files.has(path) && !faults.has(path)) this.problems.delete(path);
      }
      for (const [path, fault] of faults) if (!this.files.has(path)) this.problems.set(path, [fault]);
    });
  }

  private exchange(path: string, next: ConfigFile | undefined, keys: Set<string>): void {
    for (const key of this.files.get(path)?.objects.keys() ?? []) {
      keys.add(key);
      this.definers.delete(key, path);
    }
    if (next === undefined) this.files.delete(path);
    else this.files.set(path, next);
    for (const key of next?.objects.keys() ?? []) {
      keys.add(key);
      this.definers.add(key, path);
    }
  }

  private winner(key: string): string | undefined {
    let first: string | undefined;
    for (const path of this.definers.get(key)) if (first === undefined || path < first) first = path;
    return first;
  }

  private publish(key: string): void {
    const path = this.winner(key);
    const placed = path === undefined ? undefined : this.files.get(path)?.objects.get(key);
    if (path === undefined || placed === undefined) this.objects.delete(key);
    else {
      const spec = sharedData(this.objects.get(key)?.spec, placed.config.spec);
      this.objects.set(key, { ...placed.config, spec, origin: { file: path, line: placed.line } });
    }
  }

  private publishProblems(path: string): void {
    const file = this.files.get(path);
    if (file === undefined) {
      this.problems.delete(path);
      return;
    }
    const problems = [...file.problems];
    for (const [key, { config, line }] of file.objects) {
      if ((this.definers.get(key)?.size ?? 0) < 2) continue;
      const origin = this.originOf(key);
      if (origin === undefined || origin.file === path) continue;
      problems.push(duplicate(config, path, line, `${origin.file}:${origin.line}`));
    }
    if (problems.length === 0) this.problems.delete(path);
    else this.problems.set(path, problems);
  }
}

/** An edit further up moves an object to another line, which changes nothing about it. */
function sameButForLine(a: Config, b: Config): boolean {
  return (
    a.origin?.file === b.origin?.file && sameData(a.key, b.key) && sameData(a.meta, b.meta) && sameData(a.spec, b.spec)
  );
}
