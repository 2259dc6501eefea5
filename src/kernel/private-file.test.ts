import assert from "node:assert/strict";
import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { privateFileFault, privateFolderFault, replacePrivateFile, writeNewPrivateFile } from "./private-file.ts";

let folder: string;
let path: string;
const uid = process.getuid?.() ?? 0;
/** A name that somebody could know before it is used. */
const guessed = { bytes: (length: number) => new Uint8Array(length), fraction: () => 0 };

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lateen-private-"));
  path = join(folder, "secret");
});

afterEach(() => rmSync(folder, { recursive: true }));

test("a file for others, of others, with a second name or of another sort is at fault", () => {
  writeFileSync(path, "", { mode: 0o600 });
  assert.equal(privateFileFault(lstatSync(path), uid), undefined);
  assert.match(privateFileFault(lstatSync(path), uid + 1) ?? "", /^belongs to user \d+, not to \d+$/);
  chmodSync(path, 0o640);
  assert.equal(privateFileFault(lstatSync(path), uid), "has the rights 0640, so others can reach it");
  chmodSync(path, 0o600);
  linkSync(path, join(folder, "again"));
  assert.equal(privateFileFault(lstatSync(path), uid), "has other names (hard links)");
  assert.equal(privateFileFault(lstatSync(folder), uid), "is not a plain file");
  assert.equal(privateFolderFault(lstatSync(folder), uid), undefined);
  assert.equal(privateFolderFault(lstatSync(path), uid), "is not a folder");
});

test("a replaced file is for the owner alone, and nothing is left beside it", () => {
  writeFileSync(path, "old", { mode: 0o644 });
  replacePrivateFile(path, "new", guessed);
  assert.equal(readFileSync(path, "utf8"), "new");
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.deepEqual(readdirSync(folder), ["secret"]);
});

test("a link laid under the name of the temporary file is not followed", () => {
  writeFileSync(path, "old", { mode: 0o600 });
  const victim = join(folder, "victim");
  writeFileSync(victim, "untouched");
  symlinkSync(victim, join(folder, ".secret.0000000000000000"));
  assert.throws(() => replacePrivateFile(path, "new", guessed), { code: "EEXIST" });
  assert.equal(readFileSync(victim, "utf8"), "untouched");
  assert.equal(readFileSync(path, "utf8"), "old");
  assert.throws(() => writeNewPrivateFile(path, "new"), { code: "EEXIST" });
});
