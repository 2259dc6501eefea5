import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Derived } from "../../collection/derived.ts";
import { Graph } from "../../collection/graph.ts";
import { Group } from "../../collection/group.ts";
import { Source } from "../../collection/source.ts";
import { type Config, formatConfigKey } from "../../config/object.ts";
import { FakeClock } from "../../kernel/clock.fake.ts";
import { fakeLog } from "../../kernel/log.fake.ts";
import { Metrics } from "../../kernel/metric.ts";
import type { ConfigRef } from "../../xds/config-ref.ts";
import { quarantineMetrics } from "./quarantine-metrics.ts";
import { SetAsideObjects } from "./set-aside-objects.ts";

const source = "Kubernetes";

function config(name: string, text: string, host = "a"): Config {
  const key = { source, group: "networking.istio.io", kind: "VirtualService", namespace: "shop", name };
  return { key, meta: { name, namespace: "shop" }, spec: { host, text } };
}

interface View {
  readonly text: string;
  readonly sources: readonly ConfigRef[];
}

function rig() {
  const clock = new FakeClock();
  const metrics = new Metrics();
  const { log, lines } = fakeLog();
  const recent: ConfigRef[][] = [];
  const { objects: count } = quarantineMetrics(metrics);
  const setAside = new SetAsideObjects({ source, recent: () => recent, clock, log, count });
  const graph = new Graph((failure) => setAside.failed(failure));
  const objects = new Source<Config>(graph, "objects");
  const { carried, statuses } = setAside.watch(graph, objects);
  let transient = 0;
  // As in the mesh: what several objects say of one host, and a resource made of that.
  const byHost = new Group<Config>("by-host", carried, ({ spec }) => {
    const { host } = spec as { host: string };
    if (host === "throws in a group") throw new TypeError("group");
    return [host];
  });
  const views = new Derived<readonly Config[], View>({
    name: "views",
    from: byHost,
    derive: (configs, key) => [
      [
        key,
        {
          text: configs.map(({ spec }) => (spec as { text: string }).text).join("+"),
          sources: configs.map((each) => each.key),
        },
      ],
    ],
  });
  const resources = new Derived<View, string>({
    name: "resources",
    from: views,
    derive: ({ text }, key) => {
      if (text.includes("transient") && transient++ === 0) throw new TypeError("once");
      if (text.includes("bad")) throw new TypeError("cannot be built");
      return [[key, text]];
    },
  });
  return {
    ...{ clock, graph, objects, resources, statuses, lines, metrics, setAside },
    put(...configs: Config[]): void {
      recent.unshift(configs.map(({ key }) => key));
      graph.batch(() => {
        for (const each of configs) objects.set(formatConfigKey(each.key), each);
      });
    },
    shown: () => Object.fromEntries([...resources.entries()].sort()),
    aside: () => [...statuses.keys()].map((key) => key.split("/").at(-1)).sort(),
  };
}

test("an object that throws twice is set aside and told of; its last good version stays, and what comes next goes on", async () => {
  const { put, clock, shown, aside, statuses, metrics } = rig();
  put(config("one", "1"), config("two", "2"));
  put(config("two", "bad"));
  assert.deepEqual(shown(), { a: "1+2" });
  await clock.advance(0);
  put(config("one", "3"));
  assert.deepEqual(shown(), { a: "3+2" });
  assert.deepEqual(aside(), ["two"]);
  const [status] = [...statuses.values()];
  assert.match(
    status?.conditions[0]?.message ?? "",
    /cannot be built; its last version that could be carried out stays/,
  );
  assert.equal(status?.validationMessages[0]?.type.code, "LAT2118");
  assert.match(await metrics.text(), /lateen_set_aside_objects 1/);
  put(config("two", "4"));
  assert.deepEqual(shown(), { a: "3+4" });
  assert.deepEqual(aside(), []);
});

test("one that never went well is left out", async () => {
  const { put, clock, shown, aside, statuses } = rig();
  put(config("one", "1"), config("two", "bad"));
  assert.deepEqual(shown(), {});
  await clock.advance(0);
  assert.deepEqual(shown(), { a: "1" });
  assert.deepEqual(aside(), ["two"]);
  assert.match([...statuses.values()][0]?.conditions[0]?.message ?? "", /it is left out/);
});

test("what throws only once is nobody's fault", async () => {
  const { put, clock, shown, aside } = rig();
  put(config("one", "transient"));
  assert.deepEqual(shown(), {});
  await clock.advance(0);
  assert.deepEqual(shown(), { a: "transient" });
  assert.deepEqual(aside(), []);
});

test("an object that cannot even be grouped is set aside", async () => {
  const { put, clock, aside } = rig();
  put(config("one", "1", "throws in a group"));
  await clock.advance(0);
  assert.deepEqual(aside(), ["one"]);
});

test("where no single object is to blame, the last good stays, and it is said in the log", async () => {
  const { put, clock, shown, aside, lines } = rig();
  put(config("one", "1"));
  put(config("two", "bad"), config("one", "bad"));
  await clock.advance(0);
  assert.deepEqual([shown(), aside()], [{ a: "1" }, []]);
  assert.ok(lines.some(({ msg }) => /cannot be traced/.test(String(msg))));
});

test("whatever objects throw, the others are carried out in their newest version", async () => {
  const name = fc.constantFrom("one", "two", "three", "four");
  const step = fc.record({ name, text: fc.constantFrom("1", "2", "3", "bad"), host: fc.constantFrom("a", "b") });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
      const { put, clock, shown, aside, objects } = rig();
      for (const { name: of, text, host } of steps) {
        put(config(of, text, host));
        await clock.advance(0);
      }
      const expected: Record<string, string[]> = {};
      const bad: string[] = [];
      for (const { key, spec } of [...objects.values()].sort((a, b) => (a.key.name < b.key.name ? -1 : 1))) {
        const { text, host } = spec as { text: string; host: string };
        if (text === "bad") bad.push(key.name);
        else expected[host] = [...(expected[host] ?? []), text];
      }
      assert.deepEqual(aside(), bad.sort());
      for (const [host, texts] of Object.entries(expected)) {
        for (const text of texts) assert.ok(shown()[host]?.split("+").includes(text), `${text} of ${host}`);
      }
    }),
    { numRuns: 200 },
  );
});
