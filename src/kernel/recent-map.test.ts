import assert from "node:assert/strict";
import { test } from "node:test";
import { RecentMap } from "./recent-map.ts";

test("what was set longest ago makes way, and being read is not being set", () => {
  const map = new RecentMap<string, number>(2);
  map.set("a", 1);
  map.set("b", 2);
  map.set("a", 3);
  assert.equal(map.get("b"), 2);
  map.set("c", 4);
  assert.deepEqual([...map.values()], [3, 4]);
  assert.deepEqual([map.has("b"), map.size, map.delete("a"), map.delete("a")], [false, 2, true, false]);
});
