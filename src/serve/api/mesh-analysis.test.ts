import assert from "node:assert/strict";
import { test } from "node:test";
import { Graph } from "../../collection/graph.ts";
import { Source } from "../../collection/source.ts";
import { kindByName } from "../../config/kinds.ts";
import { defaultListenPorts } from "../../config/listener-port.ts";
import { type Config, formatConfigKey, type Origin } from "../../config/object.ts";
import type { Problem } from "../../config/problem.ts";
import { FakeClock } from "../../kernel/clock.fake.ts";
import { fakeLog } from "../../kernel/log.fake.ts";
import { MeshAnalysis } from "./mesh-analysis.ts";

const group = "networking.istio.io";

function config(kind: string, name: string, spec: unknown, origin?: Origin): Config {
  const key = { source: "c", group, kind, namespace: "shop", name };
  return { key, meta: { name, namespace: "shop" }, spec, ...(origin === undefined ? {} : { origin }) } as Config;
}

const route = (host: string) => ({ hosts: ["web.example"], http: [{ route: [{ destination: { host } }] }] });
const entry = (host: string) => ({ hosts: [host], ports: [{ number: 80, name: "http", protocol: "HTTP" }] });

/** @param present objects that are there from the beginning */
function bed(...present: Config[]) {
  const graph = new Graph();
  const objects = new Source<Config>(graph, "objects");
  for (const each of present) objects.set(formatConfigKey(each.key), each);
  const files = new Source<readonly Problem[]>(graph, "files");
  const clock = new FakeClock();
  const { log, lines } = fakeLog();
  const moved = new Map<string, Origin>();
  const analysis = new MeshAnalysis({
    objects,
    source: "c",
    rootNamespace: "istio-system",
    domainSuffix: "cluster.local",
    listenPorts: defaultListenPorts,
    pathNormalization: "BASE",
    fileProblems: [files],
    originOf: (key) => moved.get(key),
    lineOf: (origin, path) => (path.startsWith("spec.http") ? origin.line + 5 : undefined),
    graph,
    clock,
    log,
  });
  const put = (...configs: Config[]) => {
    for (const each of configs) objects.set(formatConfigKey(each.key), each);
  };
  const warnings = () => lines.map((line) => String(line["problem"]));
  const messages = (name: string) =>
    analysis.statuses
      .get(formatConfigKey({ source: "c", group, kind: "VirtualService", namespace: "shop", name }))
      ?.validationMessages.map(({ level, type, message }) => `${level} ${type.code} ${message}`);
  return { analysis, clock, put, moved, warnings, objects, files, messages };
}

test("a write is told what its object lacks beside the others, and nothing about the others", () => {
  const { analysis, put } = bed();
  const kind = kindByName("virtualservice");
  assert.ok(kind);
  put(config("VirtualService", "other", route("gone.example")));
  const written = (host: string) => {
    const { meta, spec } = config("VirtualService", "web", { ...route(host), hosts: ["own.example"] });
    return { apiVersion: `${group}/v1`, kind: "VirtualService", metadata: meta, spec };
  };
  const codes = (host: string) => analysis.problemsOf(kind, written(host)).map(({ code, path }) => `${code} ${path}`);
  assert.deepEqual(codes("reviews.example"), ["IST0101 spec.http[0].route[0].destination.host"]);
  put(config("ServiceEntry", "reviews", entry("reviews.example")));
  assert.deepEqual(codes("reviews.example"), []);
});

test("a write before the first analysis is told of what is there from the beginning, and so is the first analysis", async () => {
  const stored = config("VirtualService", "stored", route("reviews.example"));
  const reviews = config("ServiceEntry", "reviews", entry("reviews.example"));
  for (const asked of [true, false]) {
    const { analysis, clock, messages } = bed(stored, reviews);
    const kind = kindByName("virtualservice");
    assert.ok(kind);
    const { meta, spec } = config("VirtualService", "web", route("reviews.example"));
    const written = { apiVersion: `${group}/v1`, kind: "VirtualService", metadata: meta, spec };
    if (asked)
      assert.deepEqual(
        analysis.problemsOf(kind, written).map(({ code }) => code),
        ["IST0109"],
      );
    await clock.advance(1000);
    assert.equal(messages("stored"), undefined);
    assert.equal(clock.pending, 0);
    await analysis.stop();
  }
});

test("an object does not conflict with the version of itself that it replaces", () => {
  const { analysis, put } = bed();
  const kind = kindByName("virtualservice");
  const old = config("VirtualService", "web", route("reviews.example"));
  put(old, config("ServiceEntry", "reviews", entry("reviews.example")));
  assert.ok(kind);
  const object = { apiVersion: `${group}/v1`, kind: "VirtualService", metadata: old.meta, spec: old.spec };
  assert.deepEqual(analysis.problemsOf(kind, object), []);
});

test("objects with a finding are counted by its code, each once", async () => {
  const { analysis, put, clock } = bed();
  for (const name of ["a", "b"])
    put(config("VirtualService", name, { ...route("gone.example"), hosts: ["own.example"] }));
  await clock.advance(1_000);
  assert.deepEqual(Object.fromEntries(analysis.countByCode()), { IST0101: 2, IST0109: 2 });
});

test("warnings about files are logged once with file and line, and again where they come back", async () => {
  const { analysis, clock, put, moved, warnings } = bed();
  const web = config("VirtualService", "web", route("reviews.example"), { file: "mesh/web.yaml", line: 3 });
  put(web, config("VirtualService", "stored", route("gone.example")));
  await clock.advance(1000);
  const found = warnings();
  assert.equal(found.length, 2, found.join("\n")); // the dangling host, and the host that both claim
  for (const line of found)
    assert.match(line, /^mesh\/web\.yaml:[38]: warning IST0\d{3} VirtualService shop\/web spec\./);

  moved.set(formatConfigKey(web.key), { file: "mesh/web.yaml", line: 9 });
  put(config("ServiceEntry", "unrelated", entry("unrelated.example")));
  await clock.advance(1000);
  assert.equal(warnings().length, 2, "a change elsewhere repeats nothing");

  put(config("ServiceEntry", "reviews", entry("reviews.example")));
  await clock.advance(1000);
  put(config("ServiceEntry", "reviews", entry("other.example")));
  await clock.advance(1000);
  assert.match(warnings()[2] ?? "", /^mesh\/web\.yaml:14: warning IST0101/);
  await analysis.stop();
  assert.equal(clock.pending, 0);
});

test("without files nothing is logged", async () => {
  const { clock, put, warnings, analysis } = bed();
  put(config("VirtualService", "stored", route("gone.example")));
  await clock.advance(1000);
  assert.deepEqual(warnings(), []);
  await analysis.stop();
});

test("what is found of an object is in its status, until it is mended", async () => {
  const { analysis, clock, put, messages } = bed();
  put(config("VirtualService", "stored", route("gone.example")), config("ServiceEntry", "web", entry("web.example")));
  await clock.advance(1000);
  const [message = "", ...more] = messages("stored") ?? [];
  assert.match(message, /^WARNING IST0101 spec\.http\[0\]\.route\[0\]\.destination\.host: .+gone\.example.* \(.+\)$/);
  assert.deepEqual(more, []);
  put(config("ServiceEntry", "gone", entry("gone.example")));
  await clock.advance(1000);
  assert.equal(messages("stored"), undefined);
  await analysis.stop();
});

test("what of a file was not taken is in the status of the object that stays as it was", async () => {
  const { analysis, clock, put, files, messages } = bed();
  const file = "mesh/web.yaml";
  const web = config("VirtualService", "web", route("web.example"), { file, line: 3 });
  put(web, config("VirtualService", "two", { hosts: ["two.example"] }, { file, line: 20 }));
  put(config("ServiceEntry", "web", entry("web.example")));
  const error: Problem = {
    severity: "error",
    code: "LAT1003",
    message: "is a list",
    path: "spec.hosts",
    file,
    line: 7,
  };
  files.set(file, [{ ...error, object: { kind: "VirtualService", namespace: "shop", name: "web" } }]);
  await clock.advance(1000);
  assert.deepEqual(messages("web"), ["ERROR LAT1003 mesh/web.yaml:7: spec.hosts: is a list"]);
  assert.equal(messages("two"), undefined);

  // What cannot be read at all may have been any object of its file.
  files.set(file, [{ severity: "error", code: "LAT1001", message: "is no YAML", file, line: 2 }]);
  await clock.advance(1000);
  for (const name of ["web", "two"]) assert.deepEqual(messages(name), ["ERROR LAT1001 mesh/web.yaml:2: is no YAML"]);

  files.delete(file);
  await clock.advance(1000);
  assert.equal(messages("web"), undefined);
  await analysis.stop();
});

test("a change that no check looks at wakes no analysis", async () => {
  const { analysis, clock, put } = bed();
  const at = (address: string, weight: number) => ({
    ...entry("web.example"),
    endpoints: [{ address, weight, labels: { version: "v1" } }],
  });
  const origin = { file: "mesh/web.yaml", line: 1 };
  const machine = (address: string): Config => config("WorkloadEntry", "m", { address, labels: { app: "web" } });
  put(config("ServiceEntry", "web", at("198.18.0.1", 1), origin), machine("198.18.0.3"));
  await clock.advance(10_000);
  assert.equal(clock.pending, 0);

  put(config("ServiceEntry", "web", at("198.18.0.2", 7), origin));
  assert.equal(clock.pending, 0, "an address");
  put(machine("198.18.0.4"));
  assert.equal(clock.pending, 0, "an address of a machine");
  const alive = { ...machine("198.18.0.4"), status: { conditions: [{ type: "Healthy", status: "True" }] } };
  put({ ...alive, meta: { ...alive.meta, resourceVersion: "7" } });
  assert.equal(clock.pending, 0, "a heartbeat");
  put(config("ServiceEntry", "web", at("198.18.0.2", 7), { ...origin, line: 9 }));
  assert.equal(clock.pending, 0, "a line");
  put({ ...config("Namespace", "shop", {}), key: { ...machine("").key, group: "", kind: "Namespace" } });
  assert.equal(clock.pending, 0, "a kind without checks");

  put(config("ServiceEntry", "web", { ...at("198.18.0.2", 7), exportTo: ["."] }, origin));
  assert.equal(clock.pending, 1);
  await analysis.stop();
});

test("one look goes through the objects once, however many files cannot be read", async () => {
  const { analysis, clock, put, files, objects, messages } = bed();
  const looks = async (unreadable: number): Promise<number> => {
    let walks = 0;
    const entries = objects.entries.bind(objects);
    objects.entries = () => {
      walks += 1;
      return entries();
    };
    for (let i = 0; i < unreadable; i++) {
      const file = `mesh/${i}.yaml`;
      files.set(file, [{ severity: "error", code: "LAT1001", message: "is no YAML", file, line: 2 }]);
    }
    await clock.advance(1000);
    objects.entries = entries;
    return walks;
  };
  for (let i = 0; i < 9; i++) {
    const origin = { file: `mesh/${i}.yaml`, line: 1 };
    put(config("VirtualService", `web-${i}`, { hosts: [`web-${i}.example`] }, origin));
  }
  assert.equal(await looks(1), await looks(9));
  assert.deepEqual(messages("web-8"), ["ERROR LAT1001 mesh/8.yaml:2: is no YAML"]);
  await analysis.stop();
});
