// The collections of a graph by name: how many there are, how large, and what they cost so far.
import type { Collection } from "../../collection/collection.ts";
import type { GraphNode } from "../../collection/graph-node.ts";
import { CollectionNode } from "../../collection/node.ts";

export interface CollectionReport {
  name: string;
  /** Collections of this name: one per scope, one per workload. */
  count: number;
  /** Values of all together. */
  size: number;
  /** Lowest and highest place in the order of working. */
  height: [number, number];
  runs: number;
  recomputed: number;
  changed: number;
  ms: number;
}

/** Everything that depends on the roots, those that cost most first. */
export function reportCollections(roots: readonly Collection<unknown>[]): CollectionReport[] {
  const seen = new Set<GraphNode>(roots.filter((root) => root instanceof CollectionNode));
  const reports = new Map<string, CollectionReport>();
  for (const node of seen) {
    for (const dependant of node.dependants) seen.add(dependant); // a set may grow while it is gone through
    const { name, height, size, work } = node;
    const report = reports.get(name) ?? {
      ...{ name, count: 0, size: 0, height: [height, height] as [number, number] },
      ...{ runs: 0, recomputed: 0, changed: 0, ms: 0 },
    };
    reports.set(name, report);
    report.count += 1;
    report.size += size;
    report.height = [Math.min(report.height[0], height), Math.max(report.height[1], height)];
    report.runs += work.runs;
    report.recomputed += work.recomputed;
    report.changed += work.changed;
    report.ms += work.spentMs;
  }
  return [...reports.values()]
    .sort((a, b) => b.ms - a.ms || (a.name < b.name ? -1 : 1))
    .map((report) => ({ ...report, ms: Math.round(report.ms * 10) / 10 }));
}
