import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { folderRefusal, makeFolders } from "./make-folders.ts";

const root = mkdtempSync(join(tmpdir(), "lateen-folders-"));
after(() => rmSync(root, { recursive: true }));

function refusal(path: string): string | undefined {
  try {
    makeFolders(path, 0o700);
  } catch (error) {
    return folderRefusal(error);
  }
  return undefined;
}

test("makes what is missing, with its mode, and is content with what is there", () => {
  const path = join(root, "a/b/c");
  makeFolders(path, 0o700);
  makeFolders(path, 0o700);
  for (const folder of ["a", "a/b", "a/b/c"]) assert.equal(statSync(join(root, folder)).mode & 0o777, 0o700);
});

test("ends where a file system takes no folders, and says why", () => {
  assert.equal(refusal("/proc/lateen/store"), "its file system takes no new folders");
  writeFileSync(join(root, "file"), "");
  assert.equal(refusal(join(root, "file/data")), "a part of its path is a file");
  assert.equal(refusal(join(root, "x".repeat(300))), "its path is too long");
});

test("knows no reason for what is no error of the system", () => {
  assert.equal(folderRefusal(new TypeError("other")), undefined);
});
