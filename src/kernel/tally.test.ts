import assert from "node:assert/strict";
import { test } from "node:test";
import { Tally } from "./tally.ts";

test("counts what comes and goes, and forgets what has gone", () => {
  const tally = new Tally<string>();
  assert.equal(tally.get("a"), 0);
  assert.equal(tally.add("a"), 1);
  assert.equal(tally.add("a"), 2);
  tally.add("b");
  tally.remove("a");
  assert.deepEqual([tally.get("a"), tally.get("b"), tally.size], [1, 1, 2]);
  tally.remove("a");
  tally.remove("a");
  assert.deepEqual([tally.get("a"), tally.size], [0, 1]);
});
