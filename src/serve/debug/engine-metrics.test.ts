import assert from "node:assert/strict";
import { test } from "node:test";
import { Metrics } from "../../kernel/metric.ts";
import { changeMetrics, engineMetrics } from "./engine-metrics.ts";

test("what the engine counts is read at the scrape", async () => {
  const metrics = new Metrics();
  engineMetrics(metrics, {
    pushes: {
      totals: new Map([["cds", { messages: 1, resources: 5, removed: 2, bytes: 100, withheld: 7 }]]),
      reasons: [
        { type: "cds", trigger: "config", messages: 1 },
        { type: "rds", trigger: "config", messages: 2 },
      ],
    },
    queues: () => [{ name: "push", help: "", length: 4, limit: 9 }],
    caches: () => ({ names: { kept: 1, hits: 2, misses: 3 }, endpoints: { hits: 0, misses: 0 } }),
    views: () => ({ scopes: 2, withoutLabels: 3, workloads: 8 }),
  });
  const count = changeMetrics(metrics);
  count("ServiceEntry", "delete", "svcdelete");
  const text = await metrics.text();
  for (const line of [
    'pilot_push_triggers{type="config"} 3',
    'lateen_xds_pushes_total{type="rds",reason="config"} 2',
    'lateen_xds_sent_resources_total{type="cds"} 5',
    'lateen_xds_removed_resources_total{type="cds"} 2',
    'lateen_xds_sent_bytes_total{type="cds"} 100',
    'lateen_xds_withheld_resources_total{type="cds"} 7',
    'lateen_queue_length{queue="push"} 4',
    'lateen_queue_limit{queue="push"} 9',
    'lateen_cache_reads_total{cache="names",result="hit"} 2',
    'lateen_cache_reads_total{cache="names",result="miss"} 3',
    'lateen_cache_entries{cache="names"} 1',
    'lateen_views{kind="workload"} 8',
    "lateen_scopes_without_labels_total 3",
    'pilot_inbound_updates{type="svcdelete"} 1',
    'lateen_config_events_total{type="ServiceEntry",event="delete"} 1',
  ]) {
    assert.ok(text.split("\n").includes(line), line);
  }
  assert.doesNotMatch(text, /lateen_cache_entries\{cache="endpoints"/);
});
