import assert from "node:assert/strict";
import { test } from "node:test";
import { Graph } from "../../collection/graph.ts";
import { Source } from "../../collection/source.ts";
import { type Config, formatConfigKey } from "../../config/object.ts";
import { FakeClock } from "../../kernel/clock.fake.ts";
import { ChangeLog } from "./change-log.ts";

const applied = "kubectl.kubernetes.io/last-applied-configuration";

function config(
  name: string,
  spec: unknown,
  kind = "VirtualService",
  labels?: Record<string, string>,
  annotations: Record<string, string> = {},
): Config {
  const key = { source: "Kubernetes", group: "networking.istio.io", kind, namespace: "shop", name };
  const meta = { name, namespace: "shop", resourceVersion: String(Math.random()), annotations };
  return { key, meta: labels === undefined ? meta : { ...meta, labels }, spec: spec as object };
}

function start() {
  const graph = new Graph();
  const objects = new Source<Config>(graph, "objects");
  const events: string[] = [];
  const clock = new FakeClock(1_000);
  const log = new ChangeLog(clock, (...event) => events.push(event.join(" ")));
  const end = log.watch(objects);
  const set = (value: Config): void => objects.set(formatConfigKey(value.key), value);
  const remove = (value: Config): void => objects.delete(formatConfigKey(value.key));
  return { graph, log, events, end, set, remove };
}

test("keeps what happened to which object, and which fields differ", () => {
  const { log, events, set, remove, end } = start();
  set(config("a", { hosts: ["x"] }));
  set(config("a", { hosts: ["y"] }, "VirtualService", { team: "red" }, { [applied]: "{}" }));
  remove(config("a", {}));
  set(config("w", {}, "WorkloadEntry"));
  assert.deepEqual(
    log.since(0).map(({ number, atMs, ref, change, fields }) => [number, atMs, ref.name, change, fields]),
    [
      [1, 1_000, "a", "created", []],
      [2, 1_000, "a", "changed", ["metadata.labels", "spec.hosts[0]"]],
      [3, 1_000, "a", "deleted", []],
      [4, 1_000, "w", "created", []],
    ],
  );
  assert.deepEqual(events, [
    "VirtualService add config",
    "VirtualService update config",
    "VirtualService delete config",
    "WorkloadEntry add eds",
  ]);
  end();
  set(config("b", {}));
  assert.equal(log.count, 4);
});

test("counts batches, so that a push can be told which one it was for", () => {
  const { graph, log, set } = start();
  set(config("a", { hosts: ["x"] }));
  graph.batch(() => {
    set(config("b", {}));
    set(config("c", {}));
  });
  assert.deepEqual([log.countBeforeNews, log.count], [1, 3]);
  assert.deepEqual(
    log.since(log.countBeforeNews).map(({ ref }) => ref.name),
    ["b", "c"],
  );
  assert.deepEqual(
    log.since(0, 1).map(({ ref }) => ref.name),
    ["c"],
  );
});

test("keeps a thousand changes, and compares no more of a large batch than a turn allows", () => {
  const { graph, log, set } = start();
  const wide = (value: number) => ({ list: Array.from({ length: 100 }, () => [0]), value });
  graph.batch(() => {
    for (let index = 0; index < 1_200; index++) set(config(`n${index}`, wide(1)));
  });
  graph.batch(() => {
    for (let index = 0; index < 1_200; index++) set(config(`n${index}`, wide(2)));
  });
  const kept = log.since(0);
  assert.deepEqual([kept.length, kept[0]?.number, kept.at(-1)?.number], [1_000, 1_401, 2_400]);
  assert.ok(kept.some((change) => change.more));
  assert.ok(kept.some((change) => change.fields.length === 0));
});
