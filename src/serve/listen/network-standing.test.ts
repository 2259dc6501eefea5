import assert from "node:assert/strict";
import { test } from "node:test";
import { NetworkStanding } from "./network-standing.ts";

test("who has proven something goes before the unknown, and these before who only used up places", () => {
  const standing = new NetworkStanding();
  standing.proved("fleet");
  standing.lost("stranger");
  assert.deepEqual(
    ["fleet", "unknown", "stranger"].map((network) => standing.rank(network)),
    [0, 1, 2],
  );
  for (let count = 0; count < 16; count++) standing.lost("fleet");
  assert.equal(standing.rank("fleet"), 2);
  standing.proved("fleet");
  assert.equal(standing.rank("fleet"), 0);
});

test("strangers, however many, do not make the fleet forgotten", () => {
  const standing = new NetworkStanding();
  standing.proved("fleet");
  standing.proved("stranger-1");
  for (let count = 0; count < 10_000; count++) standing.lost(`stranger-${count}`);
  assert.equal(standing.rank("fleet"), 0);
  assert.deepEqual([standing.rank("stranger-0"), standing.rank("stranger-9999")], [1, 2]);
});
