import assert from "node:assert/strict";
import { test } from "node:test";
import { Graph } from "../../collection/graph.ts";
import { Source } from "../../collection/source.ts";
import { kindByName } from "../../config/kinds.ts";
import { defaultListenPorts } from "../../config/listener-port.ts";
import { type Config, formatConfigKey, type Origin } from "../../config/object.ts";
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

function bed() {
  const objects = new Source<Config>(new Graph(), "objects");
  const clock = new FakeClock();
  const { log, lines } = fakeLog();
  const moved = new Map<string, Origin>();
  const analysis = new MeshAnalysis({
    objects,
    source: "c",
    rootNamespace: "istio-system",
    domainSuffix: "cluster.local",
    listenPorts: defaultListenPorts,
    originOf: (key) => moved.get(key),
    clock,
    log,
  });
  const put = (...configs: Config[]) => {
    for (const each of configs) objects.set(formatConfigKey(each.key), each);
  };
  const warnings = () => lines.map((line) => String(line["problem"]));
  return { analysis, clock, put, moved, warnings, objects };
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

test("an object does not conflict with the version of itself that it replaces", () => {
  const { analysis, put } = bed();
  const kind = kindByName("virtualservice");
  const old = config("VirtualService", "web", route("reviews.example"));
  put(old, config("ServiceEntry", "reviews", entry("reviews.example")));
  assert.ok(kind);
  const object = { apiVersion: `${group}/v1`, kind: "VirtualService", metadata: old.meta, spec: old.spec };
  assert.deepEqual(analysis.problemsOf(kind, object), []);
});

test("warnings about files are logged once with file and line, and again where they come back", async () => {
  const { analysis, clock, put, moved, warnings } = bed();
  const web = config("VirtualService", "web", route("reviews.example"), { file: "mesh/web.yaml", line: 3 });
  put(web, config("VirtualService", "stored", route("gone.example")));
  await clock.advance(1000);
  const found = warnings();
  assert.equal(found.length, 2, found.join("\n")); // the dangling host, and the host that both claim
  for (const line of found) assert.match(line, /^mesh\/web\.yaml:3: warning IST0\d{3} VirtualService shop\/web spec\./);

  moved.set(formatConfigKey(web.key), { file: "mesh/web.yaml", line: 9 });
  put(config("ServiceEntry", "unrelated", entry("unrelated.example")));
  await clock.advance(1000);
  assert.equal(warnings().length, 2, "a change elsewhere repeats nothing");

  put(config("ServiceEntry", "reviews", entry("reviews.example")));
  await clock.advance(1000);
  put(config("ServiceEntry", "reviews", entry("other.example")));
  await clock.advance(1000);
  assert.match(warnings()[2] ?? "", /^mesh\/web\.yaml:9: warning IST0101/);
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
