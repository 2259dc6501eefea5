import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { runningAgent, takeAgentLock } from "./agent-lock.ts";

let folder: string;
const settings = () => ({ runFolder: join(folder, "run"), self: process.getuid?.() ?? 0 });

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lateen-lock-"));
});

afterEach(() => rmSync(folder, { recursive: true }));

test("a second agent is refused and told of the first, until that one lets go", () => {
  const lock = takeAgentLock(settings(), process.pid);
  assert.equal(runningAgent(settings().runFolder), process.pid);
  assert.throws(() => takeAgentLock(settings(), process.ppid), {
    code: "LAT4212",
    message: new RegExp(`process ${process.pid}$`),
  });
  assert.equal(runningAgent(settings().runFolder), process.pid);
  lock.release();
  assert.equal(runningAgent(settings().runFolder), undefined);
  takeAgentLock(settings(), process.pid).release();
});

test("what a killed agent left keeps nobody out, also where its number is another process's by now", () => {
  takeAgentLock(settings(), process.pid).release();
  for (const left of ["", "1", `${process.pid} 1`, "4194304 5", "x y", "0 0"]) {
    const path = join(settings().runFolder, "agent.pid");
    writeFileSync(path, left);
    assert.equal(runningAgent(settings().runFolder), undefined, left);
    takeAgentLock(settings(), process.pid).release();
    assert.equal(existsSync(path), false);
  }
});

test("where there is no run folder, no agent runs", () => {
  assert.equal(runningAgent(join(folder, "nowhere")), undefined);
});
