import assert from "node:assert/strict";
import { test } from "node:test";
import { Derived } from "../../collection/derived.ts";
import { Graph } from "../../collection/graph.ts";
import { Group } from "../../collection/group.ts";
import { Source } from "../../collection/source.ts";
import { typeUrls } from "../../xds/type-url.ts";
import { startAdsRig } from "../ads/ads-rig.fake.ts";
import { reportCollections } from "./collection-report.ts";
import { enginePages } from "./engine-pages.ts";
import { StallWatch } from "./stall-watch.ts";

test("collections are told by name, with what they cost", () => {
  let nowMs = 0;
  const graph = new Graph(undefined, { monotonic: () => nowMs, onFlush: () => {} });
  const source = new Source<number>(graph, "numbers");
  const make = (step: number) =>
    new Derived<number, number>({
      name: "doubled",
      from: source,
      derive: (value, key) => {
        nowMs += step;
        return [[key, value * 2]];
      },
    });
  const doubled = [make(10), make(5)];
  const groups = new Group("groups", doubled[0] as Derived<number, number>, (value) => [String(value % 4)]);
  source.set("a", 1);
  source.set("b", 2);
  source.set("a", 3);
  assert.equal(groups.size, 2);
  const reports = reportCollections([source]);
  assert.deepEqual(reports[0], {
    ...{ name: "doubled", count: 2, size: 4, height: [1, 1] },
    // One empty run of each before the first value.
    ...{ runs: 8, recomputed: 6, changed: 6, ms: 45 },
  });
  assert.deepEqual(reports.map(({ name }) => name).sort(), ["doubled", "groups", "numbers"]);
  assert.equal(reportCollections([{} as Source<number>]).length, 0);
});

test("queues, caches, memory and scopes are told with their limits", async (t) => {
  const rig = await startAdsRig();
  t.after(() => rig.stop());
  for (let index = 0; index < 10; index++) rig.tables.set(typeUrls.cluster, `c${index}`);
  for (let index = 0; index < 3; index++) {
    const c = rig.client();
    c.subscribe(typeUrls.cluster);
    await c.nextAcked();
  }
  const stalls = new StallWatch({ clock: rig.clock });
  t.after(() => stalls.stop());
  const interned = { kept: 2, hits: 3, misses: 1, bytes: 100, lazy: 1 };
  const common = { key: "k", kind: "layer" as const, users: 3, proxies: ["a.shop"], sizes: { Cluster: 10 } };
  const scope = { ...common, scope: { namespace: "shop" } };
  const pages = enginePages({
    ...{ ads: rig.ads, stalls },
    generator: () => ({ scopes: [scope], workloads: 3, clients: 3, interned, endpoints: { hits: 0, misses: 0 } }),
    queues: () => [{ name: "own", help: "a line", length: 1, limit: 2 }],
    roots: [rig.tables.table(typeUrls.cluster)],
    memoryUsage: () => ({ rss: 5 }),
  });
  // biome-ignore lint/suspicious/noExplicitAny: tests look into pages of any shape
  const show = (name: string): any =>
    pages
      .find((page) => page.name === name)
      ?.show({ rest: "", query: new URLSearchParams(), signal: new AbortController().signal });
  const queues = show("queues") as { name: string; length: number; limit: number }[];
  assert.ok(queues.every(({ length, limit }) => length <= limit));
  assert.equal(queues.find(({ name }) => name === "streams")?.length, 3);
  assert.equal(queues.at(-1)?.name, "own");
  const caches = show("caches");
  assert.deepEqual([caches[0].hitRate, caches[2].hitRate], [0.75, null]);
  assert.deepEqual([caches[1].kept, caches[1].hits + caches[1].misses], [1, 3]);
  assert.deepEqual(show("cachez"), caches);
  const memory = show("memory");
  assert.equal(memory.process.rss, 5);
  assert.equal(memory.parts.find(({ part }: { part: string }) => part === "streams").count, 3);
  assert.deepEqual(memory.collections, [{ name: typeUrls.cluster, count: 1, size: 10 }]);
  assert.deepEqual(show("scopes"), [scope]);
  assert.equal(show("stalls").count, 0);
});
