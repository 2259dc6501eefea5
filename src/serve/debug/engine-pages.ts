// Pages about the engine itself: waiting lines, stalls, caches, memory, scopes, collections.
import { getHeapStatistics } from "node:v8";
import type { Collection } from "../../collection/collection.ts";
import type { AdsServer } from "../ads/ads-server.ts";
import { barChart } from "./bar-chart.ts";
import { type CollectionReport, reportCollections } from "./collection-report.ts";
import type { DebugPage } from "./debug-page.ts";
import type { GeneratorInspection, QueueInspection } from "./engine-inspection.ts";
import type { Stall, StallWatch } from "./stall-watch.ts";

export interface EngineParts {
  ads: AdsServer;
  stalls: StallWatch;
  generator: () => GeneratorInspection;
  /** Waiting lines beside those of the ADS server. */
  queues: () => readonly QueueInspection[];
  /** The collections that data enters by. */
  roots: readonly Collection<unknown>[];
  memoryUsage: () => Record<string, number>;
}

interface ShownStall {
  at: string;
  ms: number;
  during: { what: string; ms: number }[];
}

export function enginePages(parts: EngineParts): DebugPage[] {
  const { ads, stalls } = parts;
  return [
    {
      name: "queues",
      help: "What waits: pushes, streams, handshakes, questions to machines, bytes of unfinished requests; each with its limit",
      show: () => [...adsQueues(ads), ...parts.queues()],
    },
    {
      name: "stalls",
      help: "The longest and the last times that the event loop stood still, and what is known to have been done meanwhile",
      show: () => {
        const { last, longest } = stalls.stalls;
        const shown = (list: readonly Stall[]): ShownStall[] => list.map((stall) => shownStall(stall, stalls));
        return { count: stalls.count, longest: shown(longest), last: shown(last) };
      },
      draw: (page) =>
        barChart(
          (page as { last: ShownStall[] }).last.map(({ at, ms }) => ({ atMs: Date.parse(at), value: ms })),
          "ms",
        ),
    },
    {
      name: "caches",
      help: "What is kept to be used again, and how often it was: resources, lists of them, endpoints, sets of names",
      show: () => caches(ads, parts.generator()),
    },
    // istiod's name for it.
    { name: "cachez", help: "The same as caches", show: () => caches(ads, parts.generator()) },
    {
      name: "memory",
      help: "Memory of the process, and what the parts hold: collections, scopes, resources, subscriptions, bytes on their way",
      show: () => memory(parts),
    },
    {
      name: "scopes",
      help: "What proxies may see: each scope with its sizes and some of the proxies that share it",
      show: () => parts.generator().scopes,
    },
    {
      name: "collections",
      help: "The derived data by name: how many collections, how large, how often run, what became different, time spent",
      show: () => reportCollections(parts.roots),
    },
  ];
}

export function adsQueues(ads: AdsServer): QueueInspection[] {
  const { push, streams, requestBytes, unfinishedBytes } = ads.inspect();
  return [
    {
      name: "push",
      help: "streams with something to send; each is in it once",
      ...{ length: push.waiting, limit: streams.admittedLimit },
    },
    {
      name: "messages",
      help: "responses that are being written",
      ...{ length: push.writing, limit: push.writingLimit },
    },
    {
      name: "request_bytes",
      help: "bytes of requests that wait to be taken; beyond the limit they are taken as they come",
      ...{ length: requestBytes.held, limit: requestBytes.limit },
    },
    { name: "streams", help: "streams that are served", length: streams.admitted, limit: streams.admittedLimit },
    {
      name: "silent_streams",
      help: "streams whose first request has not come",
      ...{ length: streams.waiting, limit: streams.waitingLimit },
    },
    {
      name: "unfinished_request_bytes",
      help: "bytes of requests that have not come whole",
      ...{ length: unfinishedBytes.held, limit: unfinishedBytes.limit },
    },
  ];
}

function shownStall(stall: Stall, watch: StallWatch): ShownStall {
  const during = watch.workDuring(stall).map(({ what, tookMs }) => ({ what, ms: Math.round(tookMs) }));
  return { at: new Date(stall.atMs).toISOString(), ms: Math.round(stall.tookMs), during };
}

function caches(ads: AdsServer, { interned, endpoints }: GeneratorInspection): unknown[] {
  const { answers, names, requests, sections, texts } = ads.caches;
  const rows = [
    { name: "interned", help: "one object for equal content of different scopes", ...interned },
    {
      name: "sections",
      help: "lists of resources that several streams are sent one after the other",
      ...sections,
    },
    { name: "requests", help: "requests that came in the same bytes from several streams", ...requests },
    { name: "answers", help: "lists that streams are sent which hold nothing yet", ...answers },
    { name: "endpoints", help: "encoded endpoints, kept as long as their workload does not change", ...endpoints },
    { name: "texts", help: "names and versions of requests, one text for all", ...texts },
    { name: "names", help: "sets of names that several streams ask for", ...names },
  ];
  return rows.map((row) => ({ ...row, hitRate: hitRate(row) }));
}

function hitRate({ hits, misses }: { hits: number; misses: number }): number | null {
  return hits + misses === 0 ? null : Math.round((hits / (hits + misses)) * 1000) / 1000;
}

function memory({ ads, generator, roots, memoryUsage }: EngineParts): unknown {
  const { scopes, workloads, clients, interned } = generator();
  const { caches, requestBytes, unfinishedBytes } = ads.inspect();
  const { sections, texts } = caches;
  let behind = 0;
  let refused = 0;
  let types = 0;
  let streams = 0;
  let onTheirWay = 0;
  for (const look of ads.looks()) {
    streams += 1;
    onTheirWay += look.waitingBytes;
    for (const { subscription } of look.types) {
      types += 1;
      behind += subscription.behindCount;
      refused += subscription.refused.size;
    }
  }
  const bySize = (a: CollectionReport, b: CollectionReport): number => b.size - a.size;
  const { heap_size_limit: heapLimit } = getHeapStatistics();
  return {
    process: { ...memoryUsage(), heapLimit },
    parts: [
      { part: "scopes", count: scopes.length },
      { part: "views of workloads", count: workloads },
      { part: "clients", count: clients },
      { part: "interned resources", count: interned.kept, bytes: interned.bytes },
      { part: "of them put together when sent", count: interned.lazy },
      { part: "shared sections", count: sections.kept, bytes: sections.bytes },
      { part: "texts of requests", count: texts.kept, bytes: texts.bytes },
      { part: "streams", count: streams },
      { part: "subscriptions", count: types },
      { part: "names that wait to be sent", count: behind },
      { part: "refused resources", count: refused },
      { part: "responses on their way", bytes: onTheirWay },
      { part: "requests that wait to be taken", bytes: requestBytes.held },
      { part: "unfinished requests", bytes: unfinishedBytes.held },
    ],
    collections: reportCollections(roots)
      .sort(bySize)
      .map(({ name, count, size }) => ({ name, count, size })),
  };
}
