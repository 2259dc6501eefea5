// What every `Store` must do, whatever its engine.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import fc from "fast-check";
import { fromUtf8 } from "../kernel/bytes.ts";
import type { LateenError } from "../kernel/error.ts";
import { keyLimit, pageLimit, valueLimit } from "./limits.ts";
import type { Store, StoredChange, WatchEvent } from "./store.ts";

/** Changes that a store under test keeps. */
export const suiteHistoryLimit = 100;

/** Collects what a watch says and lets a test wait for it. */
export class WatchLog {
  readonly events: WatchEvent[] = [];
  private readonly waiters = new Set<() => void>();

  readonly listener = (event: WatchEvent): void => {
    this.events.push(event);
    for (const waiter of this.waiters) waiter();
  };

  get changes(): StoredChange[] {
    return this.events.flatMap((event) => (event.type === "changes" ? event.changes : []));
  }

  async until(done: (log: WatchLog) => boolean): Promise<void> {
    while (!done(this)) {
      await new Promise<void>((resolve) => {
        const waiter = (): void => {
          this.waiters.delete(waiter);
          resolve();
        };
        this.waiters.add(waiter);
      });
    }
  }
}

function hasCode(code: string): (error: LateenError) => boolean {
  return (error) => error.code === code;
}

function show(change: StoredChange): string {
  return `${change.key}=${change.value === undefined ? "(gone)" : fromUtf8(change.value)}`;
}

/** @param open a store with a history of about `suiteHistoryLimit` changes */
export function storeSuite(name: string, open: () => Promise<Store>): void {
  describe(name, () => {
    let store: Store;
    before(async () => {
      store = await open();
    });
    after(() => store.stop());

    async function put(key: string, value: string): Promise<number> {
      const result = await store.txn({ puts: [{ key, value }] });
      assert.ok(result.ok);
      return result.revision;
    }

    test("a key has the value and the revision of its last write", async () => {
      const first = await put("/get/a", "1");
      const second = await put("/get/a", "2");
      assert.ok(second > first);
      const entry = await store.get("/get/a");
      assert.equal(fromUtf8(entry?.value ?? new Uint8Array()), "2");
      assert.equal(entry?.revision, second);
      await store.txn({ deletes: ["/get/a"] });
      assert.equal(await store.get("/get/a"), undefined);
    });

    test("bytes come back as they were", async () => {
      const value = Uint8Array.from([0, 255, 128, 10]);
      await store.txn({ puts: [{ key: "/bytes", value }] });
      assert.deepEqual((await store.get("/bytes"))?.value, value);
    });

    test("a transaction writes all or nothing, and names the condition that failed", async () => {
      const revision = await put("/txn/a", "1");
      const puts = [
        { key: "/txn/b", value: "b" },
        { key: "/txn/c", value: "c" },
      ];
      const conditions = [
        { key: "/txn/a", revision },
        { key: "/txn/b", revision: 7 },
      ];
      assert.deepEqual(await store.txn({ conditions, puts }), { ok: false, key: "/txn/b", revision: 0 });
      assert.equal(await store.get("/txn/c"), undefined);
      const good = await store.txn({
        conditions: [
          { key: "/txn/a", revision },
          { key: "/txn/b", revision: 0 },
        ],
        puts,
        deletes: ["/txn/a"],
      });
      assert.ok(good.ok);
      assert.equal((await store.get("/txn/b"))?.revision, good.revision);
      assert.equal((await store.get("/txn/c"))?.revision, good.revision);
      assert.equal(await store.get("/txn/a"), undefined);
    });

    test("a transaction without effect takes no revision", async () => {
      const before = await store.revision();
      assert.deepEqual(await store.txn({ deletes: ["/never"] }), { ok: true, revision: before });
      assert.deepEqual(await store.txn({}), { ok: true, revision: before });
      assert.equal(await store.revision(), before);
    });

    test("of many rivals for one key exactly one wins", async () => {
      const conditions = [{ key: "/rival", revision: 0 }];
      const results = await Promise.all(
        Array.from({ length: 1000 }, (_, index) =>
          store.txn({ conditions, puts: [{ key: "/rival", value: `${index}` }] }),
        ),
      );
      assert.equal(results.filter((result) => result.ok).length, 1);
      assert.ok(results[0]?.ok);
    });

    test("a list comes in pages, in order of key, and says where to watch from", async () => {
      const keys = ["/list/a", "/list/b", "/list/b/c", "/list/d", "/list/~"];
      await store.txn({ puts: [...keys, "/lisu"].map((key) => ({ key, value: key })) });
      const first = await store.list("/list/", { limit: 2 });
      assert.deepEqual(
        first.entries.map((entry) => entry.key),
        keys.slice(0, 2),
      );
      assert.equal(first.next, "/list/b/c");
      assert.equal(first.revision, await store.revision());
      const second = await store.list("/list/", { limit: 3, from: first.next });
      assert.deepEqual(
        second.entries.map((entry) => entry.key),
        keys.slice(2),
      );
      assert.equal(second.next, undefined);
      assert.deepEqual((await store.list("/nothing/")).entries, []);
      assert.ok((await store.list("")).entries.length >= 6);
    });

    test("a watch gives every change after its revision, in order, once", async () => {
      const from = await put("/watch/a", "0");
      await put("/watch/a", "1");
      await put("/elsewhere", "x");
      const log = new WatchLog();
      const cancel = store.watch("/watch/", from, log.listener);
      await store.txn({ puts: [{ key: "/watch/b", value: "2" }], deletes: ["/watch/a"] });
      await put("/watch/c", "3");
      await log.until(({ changes }) => changes.length === 4);
      assert.deepEqual(log.changes.map(show), ["/watch/a=1", "/watch/a=(gone)", "/watch/b=2", "/watch/c=3"]);
      const revisions = log.changes.map((change) => change.revision);
      assert.equal(revisions[1], revisions[2]);
      assert.ok(revisions.every((revision, index) => index === 0 || revision >= (revisions[index - 1] ?? 0)));
      cancel();
      cancel();
      await put("/watch/d", "4");
      await store.revision();
      assert.equal(log.changes.length, 4);
    });

    test("changes of one transaction come in one event, before its promise resolves", async () => {
      const log = new WatchLog();
      const cancel = store.watch("/together/", await store.revision(), log.listener);
      await store.revision();
      await store.txn({ puts: ["a", "b", "c"].map((name) => ({ key: `/together/${name}`, value: name })) });
      assert.equal(log.events.length, 1);
      assert.equal(log.changes.length, 3);
      cancel();
    });

    test("a watch goes on where another ended", async () => {
      const first = new WatchLog();
      const start = await store.revision();
      const cancel = store.watch("/resume/", start, first.listener);
      await put("/resume/a", "1");
      cancel();
      await put("/resume/b", "2");
      const second = new WatchLog();
      const cancelSecond = store.watch("/resume/", first.changes.at(-1)?.revision ?? start, second.listener);
      await put("/resume/c", "3");
      await second.until(({ changes }) => changes.length === 2);
      assert.deepEqual(second.changes.map(show), ["/resume/b=2", "/resume/c=3"]);
      cancelSecond();
    });

    test("s4-compaction: a watch that is too old, or from the future, is told to list again", async () => {
      const old = await put("/compact", "0");
      for (let index = 0; index < suiteHistoryLimit * 2; index += 20) {
        await Promise.all(Array.from({ length: 20 }, () => put("/compact", `${index}`)));
      }
      for (const from of [old, 0, (await store.revision()) + 1000]) {
        const log = new WatchLog();
        store.watch("/compact", from, log.listener);
        await log.until(({ events }) => events.length > 0);
        const revision = await store.revision();
        assert.deepEqual(log.events, [{ type: "compacted", revision }]);
        await put("/compact", "after");
        assert.equal(log.events.length, 1);
      }
    });

    test("reserved revisions fit between those of transactions, and what came before was told", async () => {
      const log = new WatchLog();
      const cancel = store.watch("/reserve/", await store.revision(), log.listener);
      const earlier = put("/reserve/a", "1");
      const reserved = await store.reserveRevisions(3);
      assert.equal(log.changes.length, 1);
      assert.equal(reserved.last - reserved.first, 2);
      assert.ok((await earlier) < reserved.first);
      assert.ok((await put("/reserve/b", "2")) > reserved.last);
      const many = await store.reserveRevisions(1_000_000);
      assert.ok((await store.reserveRevisions(1)).first > many.last);
      cancel();
    });

    test("what is over a limit is refused and changes nothing", async () => {
      const revision = await store.revision();
      const value = new Uint8Array(valueLimit + 1);
      const longKey = `/${"k".repeat(keyLimit)}`;
      const refused: (() => Promise<unknown>)[] = [
        () => store.get(""),
        () => store.get(longKey),
        () => store.get("/a b"),
        () => store.get("/\0"),
        () => store.get("/ä"),
        () => store.list(longKey),
        () => store.list("/", { limit: 0 }),
        () => store.list("/", { limit: -1 }),
        () => store.list("/", { limit: 2 ** 31 }),
        () => store.list("/", { limit: pageLimit + 1 }),
        () => store.txn({ puts: [{ key: "/big", value }] }),
        () => store.txn({ puts: Array.from({ length: 9 }, (_, i) => ({ key: `/b${i}`, value: value.subarray(1) })) }),
        () => store.txn({ deletes: Array.from({ length: 2001 }, (_, index) => `/d${index}`) }),
        () => store.txn({ puts: [{ key: "/twice", value: "1" }], deletes: ["/twice"] }),
        () => store.txn({ conditions: [{ key: "/a", revision: -1 }] }),
        () => store.reserveRevisions(0),
        () => store.reserveRevisions(2 ** 31),
      ];
      for (const call of refused) await assert.rejects(call, hasCode("LAT5001"));
      assert.throws(() => store.watch("/", -1, () => {}), hasCode("LAT5001"));
      assert.throws(() => store.watch("/", Number.NaN, () => {}), hasCode("LAT5001"));
      assert.equal(await store.revision(), revision);
    });

    test("any history of transactions reads as one of a plain map, and a watch rebuilds it", async () => {
      const names = fc.constantFrom("a", "b", "c", "d");
      const operation = fc.record({
        put: fc.uniqueArray(names, { maxLength: 3 }),
        remove: fc.uniqueArray(names, { maxLength: 2 }),
        expect: fc.option(fc.record({ key: names, right: fc.boolean() })),
        reserve: fc.nat(3),
      });
      let round = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(operation, { maxLength: 12 }), async (operations) => {
          const prefix = `/model/${round++}/`;
          const model = new Map<string, { value: string; revision: number }>();
          const log = new WatchLog();
          const cancel = store.watch(prefix, await store.revision(), log.listener);
          let last = await store.revision();
          for (const [index, { put: puts, remove, expect, reserve }] of operations.entries()) {
            const deletes = remove.filter((key) => !puts.includes(key));
            const present = expect === null ? 0 : (model.get(prefix + expect.key)?.revision ?? 0);
            const conditions =
              expect === null ? [] : [{ key: prefix + expect.key, revision: expect.right ? present : present + 1 }];
            const result = await store.txn({
              conditions,
              puts: puts.map((key) => ({ key: prefix + key, value: `${index}` })),
              deletes: deletes.map((key) => prefix + key),
            });
            assert.equal(result.ok, expect?.right ?? true);
            if (result.ok) {
              for (const key of deletes) model.delete(prefix + key);
              for (const key of puts) model.set(prefix + key, { value: `${index}`, revision: result.revision });
              assert.ok(result.revision >= last);
              last = result.revision;
            }
            if (reserve > 0) last = (await store.reserveRevisions(reserve)).last;
          }
          const page = await store.list(prefix);
          const read = page.entries.map(({ key, value, revision }) => [key, { value: fromUtf8(value), revision }]);
          const sorted = [...model].sort(([a], [b]) => (a < b ? -1 : 1));
          assert.deepEqual(read, sorted);
          const rebuilt = new Map<string, { value: string; revision: number }>();
          for (const { key, value, revision } of log.changes) {
            if (value === undefined) rebuilt.delete(key);
            else rebuilt.set(key, { value: fromUtf8(value), revision });
          }
          assert.deepEqual(
            [...rebuilt].sort(([a], [b]) => (a < b ? -1 : 1)),
            sorted,
          );
          cancel();
        }),
        { numRuns: 25 },
      );
    });

    test("a stopped store refuses everything; stopping twice is fine", async () => {
      const other = await open();
      const pending = other.txn({ puts: [{ key: "/last", value: "1" }] });
      await Promise.all([other.stop(), other.stop()]);
      assert.ok((await pending).ok);
      await assert.rejects(other.get("/last"), hasCode("LAT5008"));
      await assert.rejects(other.txn({}), hasCode("LAT5008"));
      assert.throws(() => other.watch("/", 0, () => {}), hasCode("LAT5008"));
    });
  });
}
