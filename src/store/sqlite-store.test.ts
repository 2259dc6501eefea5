import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { DatabaseSync } from "node:sqlite";
import { after, test } from "node:test";
import { fromUtf8 } from "../kernel/bytes.ts";
import type { LateenError } from "../kernel/error.ts";
import { fakeLog } from "../kernel/log.fake.ts";
import { openSqliteStore, type SqliteStoreOptions } from "./sqlite-store.ts";
import { storeSuite, suiteHistoryLimit, WatchLog } from "./store.suite.ts";
import type { Store } from "./store.ts";

const root = mkdtempSync(join(tmpdir(), "lateen-store-"));
after(() => rmSync(root, { recursive: true, force: true }));
let folders = 0;
const newFolder = (): string => join(root, `${folders++}`);

function open(folder: string, options: Partial<SqliteStoreOptions> = {}): Promise<Store> {
  return openSqliteStore({ folder, log: fakeLog().log, uid: process.getuid?.(), ...options });
}

function failsWith(code: string, text: RegExp = /./): (error: LateenError) => boolean {
  return (error) => {
    assert.equal(error.code, code);
    assert.match(error.message, text);
    return true;
  };
}

storeSuite("the SQLite store", () => open(newFolder(), { historyLimit: suiteHistoryLimit }));

test("what was answered is there after a restart, and no revision comes twice", async () => {
  const folder = newFolder();
  const first = await open(folder);
  await first.txn({ puts: [{ key: "/a", value: "1" }] });
  const { last } = await first.reserveRevisions(50);
  await first.stop();
  const second = await open(folder);
  assert.equal(fromUtf8((await second.get("/a"))?.value ?? new Uint8Array()), "1");
  assert.equal((await second.reserveRevisions(1)).first, last + 1);
  const log = new WatchLog();
  second.watch("/", 0, log.listener);
  await log.until(({ changes }) => changes.length === 1);
  await second.stop();
});

test("s3-two-owners: a second process is refused, also in one process", async () => {
  const folder = newFolder();
  const store = await open(folder);
  await assert.rejects(open(folder), failsWith("LAT5004"));
  const lines = await runChild(folder, "open");
  assert.match(lines.at(-1) ?? "", /LAT5004/);
  await store.txn({ puts: [{ key: "/still", value: "mine" }] });
  await store.stop();
  await (await open(folder)).stop();
});

test("a1-rights: folder and files are private, links and foreign types are refused", async () => {
  const folder = newFolder();
  mkdirSync(folder, { mode: 0o755 });
  const store = await open(folder);
  await store.txn({ puts: [{ key: "/a", value: "1" }] });
  assert.equal(statSync(folder).mode & 0o777, 0o700);
  assert.equal(statSync(join(folder, "store.db")).mode & 0o777, 0o600);
  assert.equal(statSync(join(folder, "store.db-wal")).mode & 0o777, 0o600);
  await store.stop();
  chmodSync(join(folder, "store.db"), 0o666);
  await (await open(folder)).stop();
  assert.equal(statSync(join(folder, "store.db")).mode & 0o777, 0o600);

  const linked = newFolder();
  mkdirSync(linked, { mode: 0o700 });
  symlinkSync(join(folder, "store.db"), join(linked, "store.db"));
  await assert.rejects(open(linked), failsWith("LAT5007"));
  const file = newFolder();
  writeFileSync(file, "");
  await assert.rejects(open(file), failsWith("LAT5007"));
  await assert.rejects(open("/proc/lateen/store"), failsWith("LAT5007", /takes no new folders/));
  await assert.rejects(open(join(file, "data")), failsWith("LAT5007", /a part of its path is a file/));
  await assert.rejects(open(newFolder(), { uid: 4_000_000 }), failsWith("LAT5007", /belongs to/));
});

test("s1-bit-flip: a damaged value is named and nothing is opened", async () => {
  const folder = await filled(newFolder());
  const path = join(folder, "store.db");
  const bytes = readFileSync(path);
  // Once in the entries and once in the history.
  for (let at = bytes.indexOf("of seven"); at !== -1; at = bytes.indexOf("of seven", at)) bytes.writeUInt8(0x6e, at);
  writeFileSync(path, bytes);
  await assert.rejects(open(folder), failsWith("LAT5005", /\/key\/7/));
});

test("s1-zeroed-page, s1-truncated: a damaged file is not opened", async () => {
  for (const damage of [
    (path: string) => truncateSync(path, 4096),
    (path: string) => truncateSync(path, 100),
    (path: string) => truncateSync(path, 0),
    (path: string) => rmSync(path),
    (path: string) => writeFileSync(path, readFileSync(path).fill(0, 4096, 8192)),
    (path: string) => writeFileSync(path, readFileSync(path).fill(0, 0, 100)),
  ]) {
    const folder = await filled(newFolder());
    damage(join(folder, "store.db"));
    await assert.rejects(open(folder), failsWith("LAT5005"));
  }
});

test("s1-history: a damaged history is reset, the data stays", async () => {
  const folder = await filled(newFolder());
  const database = new DatabaseSync(join(folder, "store.db"));
  database.exec("UPDATE history SET sum = 1 WHERE ordinal = 0");
  database.close();
  const { log, lines } = fakeLog();
  const store = await open(folder, { log });
  assert.equal(lines.filter((line) => line.level === "warn").length, 1);
  assert.equal((await store.list("/key/")).entries.length, 100);
  const watch = new WatchLog();
  store.watch("/", 0, watch.listener);
  await watch.until(({ events }) => events.length === 1);
  assert.equal(watch.events[0]?.type, "compacted");
  await store.stop();
});

test("a store of a newer version is refused", async () => {
  const folder = await filled(newFolder());
  const database = new DatabaseSync(join(folder, "store.db"));
  database.exec("PRAGMA user_version = 99");
  database.close();
  await assert.rejects(open(folder), failsWith("LAT5006", /99/));
});

test("s2-full: writes are refused, reads go on, and room heals it without a restart", async () => {
  const store = await open(newFolder(), { maxBytes: 2 << 20 });
  const value = new Uint8Array(100_000);
  const keys: string[] = [];
  let full: unknown;
  for (let index = 0; index < 100 && full === undefined; index++) {
    const key = `/fill/${index}`;
    await store.txn({ puts: [{ key, value }] }).then(
      () => keys.push(key),
      (error: unknown) => {
        full = error;
      },
    );
  }
  assert.ok(failsWith("LAT5002")(full as LateenError));
  assert.equal((await store.list("/fill/")).entries.length, keys.length);
  assert.ok((await store.txn({ deletes: keys.slice(0, keys.length / 2) })).ok);
  assert.ok((await store.txn({ puts: [{ key: "/again", value }] })).ok);
  await store.stop();
});

test("s2-io-error: a failed write is refused, reads go on, and writes work again with the disk", async (t) => {
  // A limit on the size of files makes writes fail with another error than a full disk.
  const limitFiles = (bytes: string): boolean =>
    spawnSync("prlimit", ["--pid", `${process.pid}`, `--fsize=${bytes}:unlimited`]).status === 0;
  if (!limitFiles("unlimited")) return t.skip("prlimit is not here");
  const store = await open(newFolder());
  await store.txn({ puts: [{ key: "/kept", value: "1" }] });
  const big = { puts: [{ key: "/big", value: new Uint8Array(500_000) }] };
  try {
    limitFiles("200000");
    await assert.rejects(store.txn(big), failsWith("LAT5003"));
    assert.equal(fromUtf8((await store.get("/kept"))?.value ?? new Uint8Array()), "1");
    await assert.rejects(store.txn(big), failsWith("LAT5003"));
  } finally {
    limitFiles("unlimited");
  }
  const log = new WatchLog();
  store.watch("/", await store.revision(), log.listener);
  assert.ok((await store.txn(big)).ok);
  assert.equal(log.changes.length, 1);
  assert.deepEqual(
    (await store.list("/")).entries.map((entry) => entry.key),
    ["/big", "/kept"],
  );
  await store.stop();
});

test("s1-kill: what was answered before kill -9 is there, in order", async () => {
  const folder = newFolder();
  let answered = 0;
  for (let round = 0; round < 3; round++) {
    const lines = await runChild(folder, "write", 25 + round * 10);
    answered = Number(/^done (\d+)$/.exec(lines.at(-1) ?? "")?.[1] ?? answered);
    const store = await open(folder);
    const { entries } = await store.list("/n/");
    assert.ok(entries.length >= answered, `${entries.length} kept, ${answered} answered`);
    assert.deepEqual(
      entries.map((entry) => Number(entry.key.slice(3))),
      entries.map((_, index) => index + 1),
    );
    answered = entries.length;
    await store.stop();
  }
});

test("s1-log-damage: a bad frame before durable transactions is named, not dropped", async () => {
  const folder = newFolder();
  await runChild(folder, "write", 30);
  const wal = join(folder, "store.db-wal");
  assert.ok(existsSync(wal));
  const copy = readFileSync(wal);
  const flipped = Buffer.from(copy);
  flipped.writeUInt8(flipped.readUInt8(32 + 24 + 200) ^ 1, 32 + 24 + 200);
  writeFileSync(wal, flipped);
  await assert.rejects(open(folder), failsWith("LAT5005", /frame 1 /));
  writeFileSync(wal, Buffer.from(copy).fill(7, 0, 32));
  await assert.rejects(open(folder), failsWith("LAT5005", /header/));
  // Half of the last frame, as a crash leaves it, is no damage.
  writeFileSync(wal, copy.subarray(0, copy.length - 2000));
  await (await open(folder)).stop();
});

async function filled(folder: string): Promise<string> {
  const store = await open(folder);
  const words = ["zero", "one", "two", "three", "four", "five", "six", "seven"];
  await store.txn({
    puts: Array.from({ length: 100 }, (_, index) => ({
      key: `/key/${index}`,
      value: `value of ${words[index] ?? index} ${"x".repeat(200)}`,
    })),
  });
  await store.stop();
  return folder;
}

/** Runs a process on the store; `write` counts up until it has said `lines` lines, and is then killed. */
async function runChild(folder: string, what: "open" | "write", lines = Number.POSITIVE_INFINITY): Promise<string[]> {
  const url = (file: string): string => JSON.stringify(new URL(file, import.meta.url).href);
  const script = `
    import { openSqliteStore } from ${url("./sqlite-store.ts")};
    import { createLog } from ${url("../kernel/log.ts")};
    const options = { folder: ${JSON.stringify(folder)}, log: createLog("error"), uid: process.getuid() };
    const store = await openSqliteStore(options).catch((error) => { console.log(error.code); process.exit(0); });
    let count = (await store.list("/n/")).entries.length;
    for (;;) {
      count += 1;
      await store.txn({ puts: [{ key: "/n/" + String(count).padStart(6, "0"), value: "n" }] });
      console.log("done " + count);
    }`;
  const file = join(root, "child.mjs");
  writeFileSync(file, script);
  const child = spawn(process.execPath, [file], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const said: string[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => {
    said.push(line);
    if (said.length >= lines) child.kill("SIGKILL");
  });
  await new Promise((resolve) => child.on("close", resolve));
  assert.ok(what === "open" || said.length > 0);
  return said;
}
