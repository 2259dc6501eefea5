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
  for (let next = line.take(() => true); next !== undefined; next = line.take(() => true)) order.push(next.waiter);
  assert.deepEqual(order, ["a1", "b1", "c1", "a3", "b2"]);
  assert.equal(line.size, 0);
});

test("a network that may not is passed over and keeps its turn", () => {
  const line = new WaitingLine<string>();
  for (const waiter of ["a1", "a2", "b1"]) line.add(waiter.slice(0, 1), waiter);
  assert.deepEqual(
    line.take((network) => network !== "a"),
    { network: "b", waiter: "b1" },
  );
  assert.equal(
    line.take((network) => network !== "a"),
    undefined,
  );
  assert.equal(line.take(() => true)?.waiter, "a1");
});

test("where too many wait, the newest of the crowd is known", () => {
  const line = new WaitingLine<string>();
  assert.equal(line.newestOfCrowd(), undefined);
  for (const waiter of ["a1", "b1", "b2", "c1"]) line.add(waiter.slice(0, 1), waiter);
  assert.equal(line.newestOfCrowd(), "b2");
  assert.deepEqual([...line], ["a1", "b1", "b2", "c1"]);
});
