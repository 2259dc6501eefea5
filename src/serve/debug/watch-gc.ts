// Garbage collections of this process, as V8 reports them.
import { constants, type PerformanceEntry, PerformanceObserver } from "node:perf_hooks";
import type { WatchGc } from "./stall-watch.ts";

const kinds: Readonly<Record<number, string>> = {
  [constants.NODE_PERFORMANCE_GC_MINOR]: "minor",
  [constants.NODE_PERFORMANCE_GC_MAJOR]: "major",
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL]: "incremental",
  [constants.NODE_PERFORMANCE_GC_WEAKCB]: "weak callbacks",
};

export const watchGc: WatchGc = (take) => {
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries() as (PerformanceEntry & { detail?: { kind?: number } })[]) {
      const kind = kinds[entry.detail?.kind ?? 0] ?? "other";
      take({ what: `garbage collection, ${kind}`, startMs: entry.startTime, tookMs: entry.duration });
    }
  });
  observer.observe({ entryTypes: ["gc"] });
  return () => observer.disconnect();
};
