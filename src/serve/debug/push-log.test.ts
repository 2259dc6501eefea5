import assert from "node:assert/strict";
import { test } from "node:test";
import { Graph } from "../../collection/graph.ts";
import { Source } from "../../collection/source.ts";
import { type Config, formatConfigKey } from "../../config/object.ts";
import { FakeClock } from "../../kernel/clock.fake.ts";
import type { ConfigRef } from "../../xds/config-ref.ts";
import type { Resource } from "../../xds/resource.ts";
import type { Batch } from "../../xds/subscription-request.ts";
import { typeUrls } from "../../xds/type-url.ts";
import { ChangeLog } from "./change-log.ts";
import { noPushNotes, PushLog, type PushNotes } from "./push-log.ts";
import { pushSummary } from "./push-summary.ts";

const clockStartMs = Date.UTC(2026, 0, 1);

function start() {
  const clock = new FakeClock(clockStartMs);
  const graph = new Graph();
  const objects = new Source<Config>(graph, "objects");
  const changes = new ChangeLog(clock);
  changes.watch(objects);
  const pushes = new PushLog(changes);
  const log = {
    changed: pushes.changed.bind(pushes),
    withheld: pushes.withheld.bind(pushes),
    records: (limit?: number) => pushes.records(limit),
    totals: pushes.totals,
    reasons: () => [...pushes.reasons].map(({ type, trigger, messages }) => `${type} ${trigger} ${messages}`).sort(),
    sent: (type: Parameters<PushLog["sent"]>[0], sent: Batch, options: { bytes: number; isLast: boolean }) =>
      pushes.sent(type, sent, { ...options, atMs: clock.now() }),
  };
  const write = (kind: string, name: string, spec: unknown): void => {
    const key = { source: "Kubernetes", group: "g", kind, namespace: "shop", name };
    const config: Config = { key, meta: { name, namespace: "shop" }, spec: spec as object };
    if (spec === undefined) objects.delete(formatConfigKey(key));
    else objects.set(formatConfigKey(key), config);
  };
  const stream = (name: "rds" | "eds" | "cds" = "rds") => {
    return { name, notes: noPushNotes() };
  };
  return { clock, graph, log, write, stream };
}

function resource(name: string, ...sources: string[]): Resource {
  const refs = sources.map((text): ConfigRef => {
    const [kind = "", own = ""] = text.split("/");
    return { kind, namespace: "shop", name: own };
  });
  return { typeUrl: typeUrls.route, name, version: "1", body: new Uint8Array(), sources: refs };
}

const last = { bytes: 10, isLast: true };
const batch = (...resources: Resource[]) => ({ resources, removed: [], trial: 0 });

test("what goes to many proxies is one record, which says how many and how much", () => {
  const { log, stream, write, clock } = start();
  write("VirtualService", "web", { timeout: 1 });
  write("VirtualService", "web", { timeout: 2 });
  const route = resource("80", "ServiceEntry/web", "VirtualService/web");
  for (let index = 0; index < 1_000; index++) {
    const proxy = stream();
    log.changed(proxy.notes, [{ key: "80", before: route, after: route }]);
    log.sent(proxy, batch(route), last);
  }
  const [record, ...others] = log.records();
  assert.equal(others.length, 0);
  assert.ok(record !== undefined);
  assert.deepEqual(pushSummary(record), {
    number: 1,
    at: "2026-01-01T00:00:00.000Z",
    lastAt: "2026-01-01T00:00:00.000Z",
    type: "RDS",
    reason: "config",
    proxies: 1_000,
    resources: 1,
    removed: 0,
    bytes: 10_000,
    names: ["80"],
    removedNames: [],
    why: [
      {
        number: 2,
        at: "2026-01-01T00:00:00.000Z",
        object: "VirtualService/shop/web",
        change: "changed",
        fields: ["spec.timeout"],
      },
    ],
  });
  assert.equal(clock.pending, 0);
});

test("the next change is another record, also at once, and later pushes of the first time are others", async () => {
  const { log, stream, write, clock } = start();
  const route = resource("80", "VirtualService/web");
  const [a, b] = [stream(), stream()];
  const push = (proxy: { notes: PushNotes } & ReturnType<typeof stream>): void => {
    log.changed(proxy.notes, []);
    log.sent(proxy, batch(route), last);
  };
  write("VirtualService", "web", { n: 1 });
  push(a);
  write("VirtualService", "web", { n: 2 });
  push(a);
  push(b);
  assert.deepEqual(
    log.records().map(({ number, proxies }) => [number, proxies]),
    [
      [2, 2],
      [1, 1],
    ],
  );
  const [c, d] = [stream("cds"), stream("cds")];
  log.sent(c, batch(route), last);
  await clock.advance(6_000);
  log.sent(d, batch(route), last);
  assert.equal(log.records().length, 4);
  assert.equal(c.notes.lastPush?.trigger, "proxyrequest");
});

test("an object that is gone is found by what was there before", () => {
  const { log, stream, write } = start();
  write("VirtualService", "other", {});
  write("VirtualService", "web", {});
  const proxy = stream();
  write("VirtualService", "web", undefined);
  log.changed(proxy.notes, [{ key: "80", before: resource("80", "VirtualService/web"), after: resource("80") }]);
  log.sent(proxy, batch(resource("80")), last);
  assert.deepEqual(
    proxy.notes.lastPush?.changes.map(({ ref, change }) => `${ref.name} ${change}`),
    ["web deleted"],
  );
});

test("of a resource made of fragments, those that differ tell whose change it was", () => {
  const { graph, log, stream, write } = start();
  const part = (name: string) => ({ ...resource(name, `VirtualService/${name}`), fragments: [] });
  const composed = (...parts: ReturnType<typeof part>[]): Resource => ({
    ...resource("80", "unread/x"),
    fragments: parts,
  });
  const [a, b, newB] = [part("a"), part("b"), part("b")];
  const proxy = stream();
  graph.batch(() => {
    for (const name of ["a", "b"]) write("VirtualService", name, {});
  });
  log.changed(proxy.notes, [{ key: "80", before: composed(a, b), after: composed(a, newB) }]);
  log.sent(proxy, batch(composed(a, newB)), last);
  assert.deepEqual(
    proxy.notes.lastPush?.changes.map(({ ref }) => ref.name),
    ["b"],
  );
});

test("several changes that wait for a slow proxy are all named, and unrelated ones are not", () => {
  const { log, stream, write } = start();
  const route = resource("80", "VirtualService/web", "DestinationRule/web");
  const proxy = stream();
  for (const [kind, name] of [
    ["VirtualService", "web"],
    ["VirtualService", "unrelated"],
    ["DestinationRule", "web"],
  ] as const) {
    write(kind, name, {});
    log.changed(proxy.notes, []);
  }
  log.sent(proxy, batch(route), last);
  assert.deepEqual(
    proxy.notes.lastPush?.changes.map(({ ref }) => ref.kind),
    ["VirtualService", "DestinationRule"],
  );
});

test("endpoints count for load assignments, dependent resources and trials by their cause", () => {
  const { log, stream, write } = start();
  const proxy = stream("eds");
  write("WorkloadEntry", "vm-1", {});
  log.changed(proxy.notes, []);
  log.sent(proxy, batch(resource("web", "ServiceEntry/web")), last);
  assert.equal(proxy.notes.lastPush?.trigger, "endpoint");
  proxy.notes.cause = "dependent";
  log.sent(proxy, batch(resource("web", "ServiceEntry/web")), last);
  assert.equal(proxy.notes.lastPush?.trigger, "depdendentresource");
  log.sent(proxy, { ...batch(resource("web")), trial: 1 }, last);
  assert.equal(proxy.notes.lastPush?.trigger, "trial");
  assert.deepEqual(log.reasons(), ["eds depdendentresource 1", "eds endpoint 1", "eds trial 1"]);
  log.withheld("eds", 7);
  assert.deepEqual(log.totals.get("eds"), { messages: 3, resources: 3, removed: 0, bytes: 30, withheld: 7 });
});

test("a change that no resource names explains the push by the whole batch", () => {
  const { log, stream, write } = start();
  const proxy = stream("cds");
  write("PeerAuthentication", "default", {});
  log.changed(proxy.notes, []);
  log.sent(proxy, batch(resource("web", "ServiceEntry/web")), last);
  assert.deepEqual(
    proxy.notes.lastPush?.changes.map(({ ref }) => ref.kind),
    ["PeerAuthentication"],
  );
});

test("where no object changed just before, none is blamed", async () => {
  const { log, stream, write, clock } = start();
  const proxy = stream("eds");
  write("ServiceEntry", "web", {});
  await clock.advance(2_000);
  log.changed(proxy.notes, []);
  log.sent(proxy, batch(resource("web", "ServiceEntry/web")), last);
  assert.deepEqual([proxy.notes.lastPush?.trigger, proxy.notes.lastPush?.changes], ["unknown", []]);
  write("ServiceEntry", "web", { changed: true });
  log.changed(proxy.notes, []);
  await clock.advance(9_000);
  log.sent(proxy, batch(resource("web", "ServiceEntry/web")), last);
  assert.equal(proxy.notes.lastPush?.changes.length, 1);
});

test("of a change of many objects the related ones are found, and how many there are", () => {
  const { graph, log, stream, write } = start();
  graph.batch(() => {
    for (let index = 0; index < 900; index++) write("VirtualService", `vs-${index}`, {});
  });
  const [one, many] = [stream(), stream()];
  for (const { notes } of [one, many]) log.changed(notes, []);
  log.sent(one, batch(resource("80", "VirtualService/vs-3")), last);
  const all = Array.from({ length: 900 }, (_, index) => `VirtualService/vs-${index}`);
  log.sent(many, batch(resource("81", ...all)), last);
  assert.deepEqual(
    one.notes.lastPush?.changes.map(({ ref }) => ref.name),
    ["vs-3"],
  );
  assert.deepEqual([many.notes.lastPush?.changes.length, many.notes.lastPush?.moreChanges], [8, 892]);
});

test("types that nobody makes are one, however many are asked for", () => {
  const { log } = start();
  const empty = { resources: [], removed: [], trial: 0 };
  for (let index = 0; index < 1_000; index++) {
    const type = { typeUrl: `type.googleapis.com/stranger.v1.T${index}`, name: "other", notes: noPushNotes() };
    log.sent(type, empty, last);
  }
  const [record, ...others] = log.records();
  assert.deepEqual([record?.type, record?.proxies, others.length], ["other", 1_000, 0]);
});

test("five hundred records are kept, whatever is pushed", () => {
  const { log, stream } = start();
  for (let index = 0; index < 1_200; index++) {
    const many = Array.from({ length: 1 + (index % 40) }, (_, at) => resource(`${index}-${at}`));
    log.sent(stream(), batch(...many), last);
  }
  const kept = log.records();
  assert.deepEqual([kept.length, kept[0]?.number, kept.at(-1)?.number], [500, 1_200, 701]);
  assert.equal(log.records(3).length, 3);
  // Those that are forgotten count, too.
  assert.deepEqual(log.reasons(), ["rds proxyrequest 1200"]);
});
