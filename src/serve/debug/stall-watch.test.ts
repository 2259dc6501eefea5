import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock } from "../../kernel/clock.fake.ts";
import { StallWatch, type Work } from "./stall-watch.ts";

/** A clock whose timers come late by what a test says, as those of a loop that stood still. */
class LateClock extends FakeClock {
  lateMs = 0;

  override monotonic(): number {
    return super.monotonic() + this.lateMs;
  }
}

test("notes how long the loop stood still, and what was done meanwhile", async () => {
  const clock = new LateClock(Date.UTC(2026, 0, 1));
  let gc: (work: Work) => void = () => {};
  let gcEnded = false;
  const told: number[] = [];
  const watch = new StallWatch({
    clock,
    onStall: (tookMs) => told.push(tookMs),
    watchGc: (take) => {
      gc = take;
      return () => {
        gcEnded = true;
      };
    },
  });
  await clock.advance(200);
  assert.equal(watch.count, 0);
  clock.lateMs = 80;
  watch.note("pushing", 70);
  watch.note("too short to matter", 2);
  gc({ what: "garbage collection, major", startMs: clock.monotonic() - 30, tookMs: 25 });
  await clock.advance(20);
  assert.deepEqual(told, [80]);
  const [stall] = watch.stalls.last;
  assert.ok(stall !== undefined);
  assert.deepEqual(
    watch.workDuring(stall).map(({ what, tookMs }) => [what, tookMs]),
    [
      ["pushing", 70],
      ["garbage collection, major", 25],
    ],
  );
  await clock.advance(400);
  watch.note("something later", 50);
  assert.equal(watch.workDuring(stall).length, 2);
  await watch.stop();
  assert.ok(gcEnded);
  assert.equal(clock.pending, 0);
});

test("keeps the last hundred stalls and the longest twenty", async () => {
  const clock = new LateClock();
  const watch = new StallWatch({ clock });
  for (let index = 0; index < 300; index++) {
    clock.lateMs += 20 + ((index * 7) % 300);
    await clock.advance(20);
  }
  const { last, longest } = watch.stalls;
  assert.deepEqual([watch.count, last.length, longest.length], [300, 100, 20]);
  assert.deepEqual(
    longest.map(({ tookMs }) => tookMs),
    Array.from({ length: 20 }, (_, index) => 319 - index),
  );
  assert.ok((last[0]?.endMs ?? 0) > (last[1]?.endMs ?? 0));
  await watch.stop();
});
