// What the engine counts for its debug pages, as metrics; with Istio's names where the meaning is Istio's.
import type { Metrics, Reading } from "../../kernel/metric.ts";
import type { CacheCounts } from "./ads-inspection.ts";
import type { ChangeEvent, UpdateType } from "./change-log.ts";
import type { QueueInspection } from "./engine-inspection.ts";
import type { PushLog, SentTotals } from "./push-log.ts";

export interface EngineCounts {
  readonly pushes: Pick<PushLog, "totals" | "reasons">;
  /** All waiting lines. */
  readonly queues: () => readonly QueueInspection[];
  /** By name. */
  readonly caches: () => Readonly<Record<string, CacheCounts>>;
  /** Views that proxies share, and views of single workloads. */
  readonly views: () => { scopes: number; withoutLabels: number; workloads: number };
}

export function engineMetrics(metrics: Metrics, counts: EngineCounts): void {
  const { pushes, queues, caches, views } = counts;
  const byType = (field: keyof SentTotals) =>
    function* (): Iterable<Reading<"type">> {
      for (const [type, totals] of pushes.totals) yield [{ type }, totals[field]];
    };
  metrics.readCounter(
    "pilot_push_triggers",
    "Messages sent to proxies, by reason: config, endpoint, service, proxyrequest, depdendentresource (Istio's spelling), trial, to find out what a proxy rejects, or unknown: health, addresses, what proxies reject.",
    ["type"],
    function* (): Iterable<Reading<"type">> {
      const counts = new Map<string, number>();
      for (const { trigger, messages } of pushes.reasons) counts.set(trigger, (counts.get(trigger) ?? 0) + messages);
      for (const [type, count] of counts) yield [{ type }, count];
    },
  );
  metrics.readCounter(
    "lateen_xds_pushes_total",
    "Messages sent to proxies, by type of their resources and by reason as in pilot_push_triggers.",
    ["type", "reason"],
    function* (): Iterable<Reading<"type" | "reason">> {
      for (const { type, trigger, messages } of pushes.reasons) yield [{ type, reason: trigger }, messages];
    },
  );
  metrics.readCounter(
    "lateen_xds_sent_resources_total",
    "Resources sent to proxies, by type.",
    ["type"],
    byType("resources"),
  );
  metrics.readCounter(
    "lateen_xds_removed_resources_total",
    "Resources that proxies were told are gone, by type.",
    ["type"],
    byType("removed"),
  );
  metrics.readCounter(
    "lateen_xds_withheld_resources_total",
    "Resources not sent because a proxy that came back had them, by type.",
    ["type"],
    byType("withheld"),
  );
  metrics.readCounter(
    "lateen_xds_sent_bytes_total",
    "Bytes of messages sent to proxies, by type.",
    ["type"],
    byType("bytes"),
  );
  metrics.readGauge("lateen_queue_length", "What waits in each line.", ["queue"], function* (): Iterable<
    Reading<"queue">
  > {
    for (const { name, length } of queues()) yield [{ queue: name }, length];
  });
  metrics.readGauge("lateen_queue_limit", "How much each line takes.", ["queue"], function* (): Iterable<
    Reading<"queue">
  > {
    for (const { name, limit } of queues()) yield [{ queue: name }, limit];
  });
  metrics.readCounter(
    "lateen_cache_reads_total",
    "Times something was looked for in a cache, by result: hit or miss.",
    ["cache", "result"],
    function* (): Iterable<Reading<"cache" | "result">> {
      for (const [cache, { hits, misses }] of Object.entries(caches())) {
        yield [{ cache, result: "hit" }, hits];
        yield [{ cache, result: "miss" }, misses];
      }
    },
  );
  metrics.readGauge("lateen_cache_entries", "What each cache holds.", ["cache"], function* (): Iterable<
    Reading<"cache">
  > {
    for (const [cache, { kept }] of Object.entries(caches())) if (kept !== undefined) yield [{ cache }, kept];
  });
  metrics.readGauge(
    "lateen_views",
    "Views of the mesh that are kept up to date, by kind: scope or workload.",
    ["kind"],
    () => {
      const { scopes, workloads } = views();
      return [
        [{ kind: "scope" }, scopes],
        [{ kind: "workload" }, workloads],
      ];
    },
  );
  metrics.readCounter(
    "lateen_scopes_without_labels_total",
    "Times a proxy got what callers without labels get, because too many sets of labels were in use.",
    [],
    () => [[{}, views().withoutLabels]],
  );
}

/** Counts changes of objects: what a ChangeLog tells. */
export function changeMetrics(metrics: Metrics): (kind: string, event: ChangeEvent, update: UpdateType) => void {
  const updates = metrics.counter(
    "pilot_inbound_updates",
    "Changes of objects that came in, by type: config, eds, svc or svcdelete.",
    ["type"],
  );
  const events = metrics.counter(
    "lateen_config_events_total",
    "Changes of objects, by kind and event (add, update, delete); what pilot_k8s_cfg_events is for Kubernetes.",
    ["type", "event"],
  );
  return (kind, event, update) => {
    updates.inc({ type: update });
    events.inc({ type: kind, event });
  };
}
