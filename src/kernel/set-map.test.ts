import assert from "node:assert/strict";
import { test } from "node:test";
import { SetMap } from "./set-map.ts";

test("keeps values by key in the order they came, and forgets keys without any", () => {
  const map = new SetMap<string, number>();
  assert.deepEqual([...map.get("a")], []);
  map.add("a", 2);
  assert.deepEqual([...map.add("a", 1)], [2, 1]);
  map.add("a", 2);
  map.add("b", 3);
  map.delete("a", 2);
  map.delete("a", 9);
  map.delete("c", 1);
  assert.deepEqual([[...map.get("a")], map.size], [[1], 2]);
  map.delete("a", 1);
  assert.deepEqual([[...map.get("a")], map.size], [[], 1]);
  map.clear();
  assert.equal(map.size, 0);
});
