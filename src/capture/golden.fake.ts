// Compares text with a file under testdata/; UPDATE_GOLDEN=1 rewrites it.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

export function assertGolden(name: string, text: string): void {
  const file = join(import.meta.dirname, "testdata", name);
  if (process.env["UPDATE_GOLDEN"] === "1") {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  assert.equal(text, readFileSync(file, "utf8"), `${name} differs; UPDATE_GOLDEN=1 rewrites it`);
}
