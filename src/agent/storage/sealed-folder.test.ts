import assert from "node:assert/strict";
import { chmodSync, linkSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fromUtf8, utf8 } from "../../kernel/bytes.ts";
import { runCommand } from "../../kernel/command.ts";
import { LateenError } from "../../kernel/error.ts";
import { systemRandom } from "../../kernel/random.ts";
import { SealedFolder } from "./sealed-folder.ts";

const root = mkdtempSync(join(tmpdir(), "lateen-sealed-"));
after(() => rmSync(root, { recursive: true }));
const self = process.getuid?.() ?? 0;
let count = 0;
const freshPath = () => join(root, `data-${count++}`);
const openFolder = (folder: string) => SealedFolder.open({ folder, random: systemRandom, self });
const hasCode = (code: string) => (error: unknown) => error instanceof LateenError && error.code === code;

test("what is written is read again, also by the next process, and is not readable on the disk", async () => {
  const path = freshPath();
  await (await openFolder(path)).write("identity", utf8("-----BEGIN PRIVATE KEY-----"));
  const again = await openFolder(path);
  assert.equal(fromUtf8((await again.read("identity")) ?? utf8("")), "-----BEGIN PRIVATE KEY-----");
  assert.doesNotMatch(readFileSync(join(path, "identity"), "latin1"), /PRIVATE/);
  assert.equal(await again.read("nothing"), undefined);
  await again.remove("identity");
  await again.remove("identity");
  assert.equal(await again.read("identity"), undefined);
});

test("folder, key and files are for the owner alone, whatever the umask is", async () => {
  const before = process.umask(0);
  try {
    const path = freshPath();
    await (await openFolder(path)).write("x", utf8("x"));
    assert.equal(statSync(path).mode & 0o777, 0o700);
    for (const name of ["seal.key", "x"]) assert.equal(statSync(join(path, name)).mode & 0o777, 0o600);
  } finally {
    process.umask(before);
  }
});

test("a changed byte, a swapped name and another key are seen", async () => {
  const path = freshPath();
  const folder = await openFolder(path);
  await folder.write("a", utf8("secret"));
  const sealed = readFileSync(join(path, "a"));
  writeFileSync(join(path, "b"), sealed, { mode: 0o600 });
  await assert.rejects(folder.read("b"), hasCode("LAT4206"));
  for (let at = 0; at < sealed.length; at += 1) {
    const damaged = Buffer.from(sealed);
    damaged[at] = (damaged[at] ?? 0) ^ 1;
    writeFileSync(join(path, "a"), damaged);
    await assert.rejects(folder.read("a"), hasCode("LAT4206"), `byte ${at}`);
  }
  for (const length of [0, 7, 8, 35, sealed.length - 1]) {
    writeFileSync(join(path, "a"), sealed.subarray(0, length));
    await assert.rejects(folder.read("a"), hasCode("LAT4206"), `${length} bytes`);
  }
  writeFileSync(join(path, "a"), sealed);
  writeFileSync(join(path, "seal.key"), Buffer.alloc(32, 7));
  await assert.rejects((await openFolder(path)).read("a"), hasCode("LAT4206"));
});

test("files that others could have read or put there are refused (A1)", async () => {
  const replace = (make: (path: string) => unknown) => async (path: string) => {
    rmSync(path);
    await make(path);
  };
  const cases: [string, (path: string) => unknown][] = [
    ["wide mode", (path) => chmodSync(path, 0o640)],
    ["link", replace((path) => symlinkSync("/etc/hostname", path))],
    ["hard link", (path) => linkSync(path, `${path}.second`)],
    ["FIFO", replace((path) => runCommand("mkfifo", ["-m", "600", path]))],
    ["folder", replace((path) => runCommand("mkdir", ["-m", "700", path]))],
  ];
  for (const [what, spoil] of cases) {
    const path = freshPath();
    await (await openFolder(path)).write("x", utf8("x"));
    await spoil(join(path, "seal.key"));
    await assert.rejects(openFolder(path), hasCode("LAT4205"), what);
  }
});

test("a folder that is too open is narrowed; a link in its place is refused", async () => {
  const path = freshPath();
  await openFolder(path);
  chmodSync(path, 0o755);
  await openFolder(path);
  assert.equal(statSync(path).mode & 0o777, 0o700);
  const link = freshPath();
  symlinkSync(path, link);
  await assert.rejects(openFolder(link), hasCode("LAT4205"));
});

test("a write that a crash cut short leaves the old content", async () => {
  const path = freshPath();
  const folder = await openFolder(path);
  await folder.write("x", utf8("old"));
  writeFileSync(join(path, "x.new"), "half");
  assert.equal(fromUtf8((await folder.read("x")) ?? utf8("")), "old");
  await folder.write("x", utf8("new"));
  assert.equal(fromUtf8((await folder.read("x")) ?? utf8("")), "new");
});
