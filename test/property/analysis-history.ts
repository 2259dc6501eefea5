// Whatever is written, changed and taken away, and whenever somebody asks about an object that is about to be written: the
// analysis that makes again only what changed, of what checks may read of an object only, finds what a new one finds of all.
import assert from "node:assert/strict";
import fc from "fast-check";
import { Derived } from "../../src/collection/derived.ts";
import { Graph } from "../../src/collection/graph.ts";
import { Source } from "../../src/collection/source.ts";
import { Analysis } from "../../src/config/analysis/analysis.ts";
import { analyze } from "../../src/config/analysis/analyze.ts";
import { type AnalyzedObject, type Finding, toProblem } from "../../src/config/analysis/analyzed-object.ts";
import { seenObject } from "../../src/config/analysis/seen-object.ts";
import { type Config, formatConfigKey } from "../../src/config/object.ts";
import type { Problem } from "../../src/config/problem.ts";
import { randomConfig } from "../../src/translate/random-mesh.fake.ts";
import { namespace, some } from "../../src/translate/random-names.fake.ts";
import { type Counts, count, type HistoryProperty } from "./property-run.ts";

type Change =
  | { readonly do: "put"; readonly config: Config }
  | { readonly do: "delete"; readonly victim: number }
  /** Away and back in one batch: the object moves behind all others. */
  | { readonly do: "again"; readonly victim: number };

interface Step {
  readonly changes: readonly Change[];
  /** What is asked about, and changed, while the analysis is between two of its steps: after so many. */
  readonly pauses: readonly { readonly after: number; readonly asked: Config; readonly changes: readonly Change[] }[];
}

export type AnalysisHistory = readonly Step[];

/** What the histories of proxies do without: kinds that are not served, delegates, ports of the proxies themselves. */
const others: fc.Arbitrary<Config> = fc.oneof(
  configOf("networking.istio.io", "ServiceEntry", internalService()),
  configOf("networking.istio.io", "WorkloadEntry", withPorts({ address: "198.18.0.1" })),
  configOf(
    "networking.istio.io",
    "WorkloadGroup",
    withPorts({}).map((template) => ({ template })),
  ),
  configOf("networking.istio.io", "Gateway", fc.constant({})),
  configOf("security.istio.io", "RequestAuthentication", selecting()),
  configOf("telemetry.istio.io", "Telemetry", selecting()),
  configOf(
    "networking.istio.io",
    "VirtualService",
    fc.record({
      hosts: some(["web"], ["web", "api.data.svc.cluster.local"], ["web.shop.svc.cluster.local", "web"]),
      gateways: some(undefined, ["one"], ["shop/two", "mesh"]),
      http: some([{ delegate: { name: "one" } }], [{ delegate: { name: "two", namespace: "data" } }]),
    }),
  ),
);

/** Ports of machines, among them their proxies' own. */
function withPorts<T extends object>(value: T): fc.Arbitrary<T> {
  return some({}, { ports: { http: 15006 } }, { ports: { http: 8080 } }).map((ports) => ({ ...value, ...ports }));
}

/** With endpoints of which there is something to see, and others. */
function internalService(): fc.Arbitrary<object> {
  const endpoint = fc.oneof(
    withPorts({ address: "198.18.0.2", labels: { app: "web" } }),
    withPorts({ address: "198.18.0.3", weight: 2 }),
  );
  return fc.record({
    hosts: some(["web"], ["api.data.svc.cluster.local"]),
    location: some("MESH_INTERNAL", "MESH_EXTERNAL"),
    resolution: fc.constant("STATIC"),
    ports: fc.constant([{ number: 80, name: "http", protocol: "HTTP" }]),
    endpoints: fc.array(endpoint, { maxLength: 3 }),
  });
}

function selecting(): fc.Arbitrary<object> {
  return some({}, { selector: { matchLabels: { app: "web" } } }, { selector: { matchLabels: { app: "api" } } });
}

function configOf(group: string, kind: string, spec: fc.Arbitrary<object>): fc.Arbitrary<Config> {
  return fc.record({ own: namespace, name: some("one", "two", "edge"), spec }).map(({ own, name, spec: value }) => ({
    key: { source: "files", group, kind, namespace: own, name },
    meta: { name, namespace: own },
    spec: value,
  }));
}

const config = fc.oneof({ weight: 4, arbitrary: randomConfig }, { weight: 1, arbitrary: others });
const victim = fc.nat(20);
const change: fc.Arbitrary<Change> = fc.oneof(
  { weight: 6, arbitrary: config.map((each) => ({ do: "put", config: each }) as const) },
  { weight: 2, arbitrary: victim.map((each) => ({ do: "delete", victim: each }) as const) },
  { weight: 1, arbitrary: victim.map((each) => ({ do: "again", victim: each }) as const) },
);
const changes = fc.array(change, { maxLength: 4 });
const step: fc.Arbitrary<Step> = fc.record({
  changes,
  pauses: fc.array(fc.record({ after: fc.nat(12), asked: config, changes }), { maxLength: 2 }),
});

/** The objects, and what the analysis sees of them. */
class Bed {
  readonly objects: Source<Config>;
  readonly seen: Derived<Config, AnalyzedObject>;
  readonly analysis = new Analysis();
  private readonly graph = new Graph();

  constructor() {
    this.objects = new Source<Config>(this.graph, "objects");
    this.seen = new Derived({
      name: "analyzed-objects",
      from: this.objects,
      derive: (each, key) => {
        const seen = seenObject(each, key);
        return seen === undefined ? [] : [[key, seen]];
      },
    });
  }

  make(all: readonly Change[]): void {
    this.graph.batch(() => {
      for (const each of all) {
        if (each.do === "put") {
          this.objects.set(formatConfigKey(each.config.key), each.config);
          continue;
        }
        const keys = [...this.objects.keys()];
        const key = keys[each.victim % Math.max(1, keys.length)];
        const before = key === undefined ? undefined : this.objects.get(key);
        if (key === undefined || before === undefined) continue;
        this.objects.delete(key);
        if (each.do === "again") this.objects.set(key, before);
      }
    });
  }

  /** As they were written; in the order in which the analysis sees them. */
  whole(): AnalyzedObject[] {
    const order = new Set([...this.seen.keys(), ...this.objects.keys()]);
    return [...order].flatMap((key) => this.objects.get(key) ?? []).map(whole);
  }

  /** Asks about an object, and compares with an analysis of everything. */
  ask(asked: Config): readonly Finding[] {
    const key = formatConfigKey(asked.key);
    const written = seenObject(asked, key);
    const rest = [...this.seen.entries()].filter(([each]) => each !== key).map(([, each]) => each);
    const found = written === undefined ? [] : this.analysis.about(written, rest);
    const own = whole(asked);
    const all = [own, ...this.whole().filter((each) => formatConfigKey(each.kind as Config["key"]) !== key)];
    assert.deepEqual(problems(found), analyze(all, { only: (each) => each === own }));
    return found;
  }
}

function whole({ key, meta, spec }: Config): AnalyzedObject {
  return { kind: key, object: { metadata: meta, spec } };
}

function problems(found: readonly Finding[]): Problem[] {
  return found.map((each) => toProblem(each));
}

export const analysisHistories: HistoryProperty<AnalysisHistory> = {
  name: "the analysis of a mesh that changes",
  histories: fc.array(step, { minLength: 1, maxLength: 12 }),
  check(history, counts: Counts) {
    const bed = new Bed();
    for (const { changes: first, pauses } of history) {
      bed.make(first);
      const expected = analyze(bed.whole());
      const run = bed.analysis.run([...bed.seen.values()]);
      let next = run.next();
      for (const { after, asked, changes: between } of pauses) {
        for (let i = 0; i < after && next.done !== true; i++) next = run.next();
        bed.make(between);
        for (const { code } of bed.ask(asked)) count(counts, `asked, told ${code}`);
      }
      while (next.done !== true) next = run.next();
      assert.deepEqual(problems(next.value), expected);
      for (const { code } of next.value) count(counts, `found ${code}`);
    }
  },
};
