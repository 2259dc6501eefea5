import assert from "node:assert/strict";
import { test } from "node:test";
import { WaitingLine } from "./waiting-line.ts";

test("networks take turns, the oldest of each first", () => {
  const line = new WaitingLine<string>();
  for (const waiter of ["a1", "a2", "a3", "b1", "c1", "b2"]) line.add(waiter.slice(0, 1), waiter);
  assert.equal(line.size, 6);
  line.delete("a", "a2");
  line.delete("a", "unknown");
  const order: string[] = [];
  for (let next = line.take(() => 0); next !== undefined; next = line.take(() => 0)) order.push(next.waiter);
  assert.deepEqual(order, ["a1", "b1", "c1", "a3", "b2"]);
  assert.equal(line.size, 0);
});

test("a network that may not is passed over and keeps its turn", () => {
  const line = new WaitingLine<string>();
  for (const waiter of ["a1", "a2", "b1"]) line.add(waiter.slice(0, 1), waiter);
  assert.deepEqual(
    line.take((network) => (network === "a" ? undefined : 0)),
    { network: "b", waiter: "b1" },
  );
  assert.equal(
    line.take((network) => (network === "a" ? undefined : 0)),
    undefined,
  );
  assert.equal(line.take(() => 0)?.waiter, "a1");
});

test("where too many wait, the newest of the crowd is known", () => {
  const line = new WaitingLine<string>();
  assert.deepEqual(line.newestOfCrowd(), { waiter: undefined, size: 0 });
  for (const waiter of ["a1", "b1", "b2", "c1"]) line.add(waiter.slice(0, 1), waiter);
  assert.deepEqual(line.newestOfCrowd(), { waiter: "b2", size: 2 });
  assert.deepEqual([line.sizeOf("a"), line.sizeOf("d")], [1, 0]);
  assert.deepEqual([...line], ["a1", "b1", "b2", "c1"]);
});

test("the lowest rank goes first, and in turn among its own", () => {
  const line = new WaitingLine<string>();
  for (const waiter of ["a1", "a2", "b1", "b2", "c1", "d1"]) line.add(waiter.slice(0, 1), waiter);
  const ranks = new Map([
    ["a", 2],
    ["b", 1],
    ["c", 1],
  ]);
  const order: string[] = [];
  const next = () => line.take((network) => ranks.get(network));
  for (let taken = next(); taken !== undefined; taken = next()) order.push(taken.waiter);
  assert.deepEqual(order, ["b1", "c1", "b2", "a1", "a2"]);
  assert.deepEqual([...line], ["d1"]);
});
