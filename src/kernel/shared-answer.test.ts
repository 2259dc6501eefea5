import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock } from "./clock.fake.ts";
import { SharedAnswer } from "./shared-answer.ts";

function start() {
  const clock = new FakeClock();
  const made: PromiseWithResolvers<string>[] = [];
  const make = (): Promise<string> => {
    const next = Promise.withResolvers<string>();
    made.push(next);
    return next.promise;
  };
  return { clock, made, shared: new SharedAnswer({ make, freshMs: 1_000, clock }) };
}

test("all who ask while it is made get one answer, however long it takes", async () => {
  const { clock, made, shared } = start();
  const first = shared.get();
  await clock.advance(5_000);
  const second = shared.get();
  assert.equal(made.length, 1);
  made[0]?.resolve("a");
  assert.deepEqual(await Promise.all([first, second]), ["a", "a"]);
});

test("an answer is given again for a while, and so is a failure", async () => {
  const { clock, made, shared } = start();
  const first = shared.get();
  made[0]?.reject(new TypeError("broken"));
  await assert.rejects(first, /broken/);
  await clock.advance(999);
  await assert.rejects(shared.get(), /broken/);
  assert.equal(made.length, 1);
  await clock.advance(1);
  const second = shared.get();
  made[1]?.resolve("b");
  assert.equal(await second, "b");
  assert.equal(await shared.get(), "b");
  assert.equal(made.length, 2);
  await clock.advance(1_000);
  assert.equal(clock.pending, 0);
});
