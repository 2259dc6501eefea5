import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Graph } from "../../collection/graph.ts";
import { Join } from "../../collection/join.ts";
import { Source } from "../../collection/source.ts";
import type { Kind } from "../../config/kind.ts";
import { namespaceKind } from "../../config/namespace/namespace.ts";
import { type Config, formatConfigKey } from "../../config/object.ts";
import { peerAuthenticationKind } from "../../config/peer-authentication/peer-authentication.ts";
import { FakeClock } from "../../kernel/clock.fake.ts";
import { fakeLog } from "../../kernel/log.fake.ts";
import { watchStoredObjects } from "../../sources/store/stored-objects.ts";
import { storeErrors } from "../../store/errors.ts";
import { memoryStore } from "../../store/store.fake.ts";
import { EventLog } from "./event-log.ts";
import { eventKeptMs } from "./limits.ts";
import { type ObjectView, openObjectView, type ViewEntry } from "./object-view.ts";
import { storeKey } from "./stored-object.ts";

const policyKind = peerAuthenticationKind as Kind;
const namespaces = namespaceKind as Kind;

function config(name: string, namespace = "shop", labels: Record<string, string> = {}): Config {
  const key = { source: "c", group: policyKind.group, kind: policyKind.kind, namespace, name };
  return { key, meta: { name, namespace, labels }, spec: {}, origin: { file: "a.yaml", line: 1 } };
}

async function bed(graph = new Graph()) {
  const store = memoryStore();
  const stored = await watchStoredObjects(store, graph, { source: "c" });
  const files = new Source<Config>(graph, "files");
  const statuses = new Source<unknown>(graph, "statuses");
  const clock = new FakeClock();
  const open = () =>
    openObjectView({
      objects: new Join("objects", [files, stored.objects]),
      statuses,
      source: "c",
      namespaces: ["default"],
      revisions: store,
      clock,
      log: fakeLog().log,
    });
  const put = (name: string, labels: Record<string, string> = {}) => {
    const object = {
      apiVersion: "security.istio.io/v1",
      kind: "PeerAuthentication",
      metadata: { name, namespace: "shop", labels },
      spec: {},
    };
    return store.txn({ puts: [{ key: storeKey(policyKind, "shop", name), value: JSON.stringify(object) }] });
  };
  const drop = (name: string) => store.txn({ deletes: [storeKey(policyKind, "shop", name)] });
  return { store, files, statuses, clock, open, put, drop };
}

const names = (view: ObjectView, kind: Kind): string[] => view.list(kind).map((entry) => entry.config.meta.name);

test("stored objects keep the revision of their write, also across restarts; others get one of their own", async () => {
  const { open, put, files } = await bed();
  const result = await put("a");
  files.set("c/security.istio.io/PeerAuthentication/shop/f", config("f"));
  const first = await open();
  const second = await open();
  for (const view of [first, second]) assert.equal(view.get(policyKind, "shop", "a")?.revision, result.revision);
  assert.ok((second.get(policyKind, "shop", "f")?.revision ?? 0) > (first.get(policyKind, "shop", "f")?.revision ?? 0));
  assert.ok(first.revision >= (first.get(policyKind, "shop", "f")?.revision ?? 0));
});

test("namespaces exist from their first object to their last, and by default", async () => {
  const { open, put, drop, files } = await bed();
  const view = await open();
  assert.deepEqual(names(view, namespaces), ["default"]);
  await put("a");
  await view.settled();
  files.set("c/security.istio.io/PeerAuthentication/bank/f", config("f", "bank"));
  await view.settled();
  assert.deepEqual(names(view, namespaces), ["bank", "default", "shop"]);
  await drop("a");
  await view.settled();
  assert.deepEqual(names(view, namespaces), ["bank", "default"]);
  assert.equal(view.countIn("bank"), 1);
});

test("objects of other clusters are not shown", async () => {
  const { open, files } = await bed();
  const view = await open();
  const foreign = config("f");
  files.set("other", { ...foreign, key: { ...foreign.key, source: "other" } });
  await view.settled();
  assert.equal(view.list(policyKind).length, 0);
  assert.deepEqual(names(view, namespaces), ["default"]);
});

test("a change of status alone is a change, with a revision behind every write before it", async () => {
  const { open, put, statuses } = await bed();
  await put("a");
  const view = await open();
  const before = view.get(policyKind, "shop", "a");
  const reader = view.follow(policyKind, view.revision);
  statuses.set("c/security.istio.io/PeerAuthentication/shop/a", { conditions: [] });
  await view.settled();
  const after = view.get(policyKind, "shop", "a");
  assert.deepEqual(after?.status, { conditions: [] });
  assert.ok((after?.revision ?? 0) > (before?.revision ?? 0));
  assert.deepEqual(reader?.next(), { revision: after?.revision, before, after });
  statuses.set("c/security.istio.io/PeerAuthentication/shop/none", {});
  await view.settled();
  assert.equal(reader?.next(), undefined);
});

test("a store that gives no revisions for a while delays what is not stored, and nothing is lost", async () => {
  const { open, files, store, clock } = await bed();
  const view = await open();
  const reserve = store.reserveRevisions.bind(store);
  store.reserveRevisions = async () => {
    throw storeErrors.ioFailed("no disk");
  };
  files.set("c/security.istio.io/PeerAuthentication/shop/f", config("f"));
  await view.settled();
  assert.equal(view.list(policyKind).length, 0);
  store.reserveRevisions = reserve;
  await clock.advance(1000);
  await view.settled();
  assert.deepEqual(names(view, policyKind), ["f"]);
  await view.stop();
  assert.equal(clock.pending, 0);
});

test("any history: revisions grow, and a reader from any of them rebuilds what is listed", async () => {
  const step = fc.record({
    what: fc.constantFrom("put", "drop", "file", "unfile", "status", "wait"),
    name: fc.constantFrom("a", "b", "c"),
    value: fc.constantFrom("1", "2", "3"),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      const { open, put, drop, files, statuses } = await bed();
      await put("a");
      const view = await open();
      const starts: { revision: number; entries: Map<string, ViewEntry> }[] = [];
      const snapshot = () => new Map(view.list(policyKind).map((entry) => [entry.config.meta.name, entry]));
      starts.push({ revision: view.revision, entries: snapshot() });
      const writes: Promise<unknown>[] = [];
      for (const { what, name, value } of steps) {
        const key = `c/security.istio.io/PeerAuthentication/shop/${name}`;
        if (what === "put") writes.push(put(name, { value }));
        else if (what === "drop") writes.push(drop(name));
        else if (what === "file") files.set(key, config(name, "shop", { value }));
        else if (what === "unfile") files.delete(key);
        else if (what === "status") statuses.set(key, { value });
        else {
          await Promise.all(writes);
          await view.settled();
          starts.push({ revision: view.revision, entries: snapshot() });
        }
      }
      await Promise.all(writes);
      await view.settled();
      const final = snapshot();
      for (const { revision, entries } of starts) {
        const reader = view.follow(policyKind, revision);
        assert.ok(reader !== undefined);
        let last = revision;
        for (let event = reader.next(); event !== undefined; event = reader.next()) {
          assert.ok(event !== "expired");
          assert.ok(event.revision > last, `${event.revision} follows ${last}`);
          last = event.revision;
          const name = (event.after ?? event.before)?.config.meta.name ?? "";
          assert.equal(entries.get(name), event.before);
          if (event.after === undefined) entries.delete(name);
          else entries.set(name, event.after);
        }
        assert.deepEqual(entries, final);
      }
      for (const entry of final.values()) assert.equal(formatConfigKey(entry.config.key).startsWith("c/"), true);
    }),
    { numRuns: 60 },
  );
});

test("s4-compaction: a log forgets the oldest, and says so to whoever would miss it", () => {
  const small = { atMs: 0, bytes: 1 };
  const add = (log: EventLog<string>, revision: number, cost = small): void =>
    log.add({ revision, before: undefined, after: `${revision}` }, cost);
  const read = (log: EventLog<string>, from: number): number[] | undefined => {
    const reader = log.follow(from);
    const revisions: number[] = [];
    for (let event = reader?.next(); event !== undefined && event !== "expired"; event = reader?.next())
      revisions.push(event.revision);
    return reader === undefined ? undefined : revisions;
  };
  const log = new EventLog<string>(10, 4);
  assert.equal(log.follow(9), undefined);
  const slow = log.follow(10);
  for (let revision = 11; revision <= 16; revision++) add(log, revision);
  assert.equal(slow?.next(), "expired");
  assert.equal(log.follow(11), undefined);
  assert.deepEqual(read(log, 12), [13, 14, 15, 16]);
  assert.deepEqual(read(log, 14), [15, 16]);
  assert.deepEqual(read(log, 16), []);
  assert.deepEqual(read(log, 99), []);

  const old = new EventLog<string>(10);
  for (let revision = 11; revision <= 16; revision++) add(old, revision, { atMs: revision, bytes: 1 });
  const behind = old.follow(12);
  const ahead = old.follow(15);
  old.expire(15);
  assert.deepEqual([old.size, behind?.next(), read(old, 13), read(old, 14)], [2, "expired", undefined, [15, 16]]);
  old.expire(99);
  assert.deepEqual([old.size, ahead?.next(), read(old, 15), read(old, 16)], [0, "expired", undefined, []]);
  add(old, 17);
  assert.deepEqual(read(old, 16), [17]);

  const heavy = new EventLog<string>(10, 4, 10);
  for (const [revision, bytes] of [
    [11, 4],
    [12, 4],
    [13, 4],
  ] as const)
    add(heavy, revision, { atMs: 0, bytes });
  assert.deepEqual([heavy.size, read(heavy, 11)], [2, [12, 13]]);
  add(heavy, 14, { atMs: 0, bytes: 99 });
  assert.deepEqual([heavy.size, read(heavy, 13)], [1, [14]]);
});

test("what happened is kept for watches for some minutes, not for ever, and no timer is left for it", async () => {
  const { open, put, clock } = await bed();
  const view = await open();
  const { revision } = view;
  await put("one");
  await view.settled();
  await clock.advance(eventKeptMs - 1_000);
  assert.notEqual(view.follow(policyKind, revision)?.next(), undefined);
  await clock.advance(60_000);
  assert.equal(view.follow(policyKind, revision), undefined);
  assert.deepEqual(view.follow(policyKind, view.revision)?.next(), undefined);
  assert.equal(clock.pending, 0);
});
