// The system's clock on stubbed timers, and the clock that tests turn.
import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, suite, test } from "node:test";
import { FakeClock } from "./clock.fake.ts";
import { systemClock } from "./clock.ts";

const dayMs = 24 * 3600 * 1000;

suite("systemClock", () => {
  /** What was armed with setTimeout and neither ran nor was cleared, in order. */
  let armed: { fn: () => void; delayMs: number; unrefs: number }[] = [];

  beforeEach(() => {
    armed = [];
    const arm = (fn: () => void, delayMs: number) => {
      const timer = { fn, delayMs, unrefs: 0, unref: () => timer.unrefs++ };
      armed.push(timer);
      return timer;
    };
    const disarm = (timer: unknown) => {
      armed = armed.filter((other) => other !== timer);
    };
    mock.method(globalThis, "setTimeout", arm as unknown as typeof setTimeout);
    mock.method(globalThis, "clearTimeout", disarm);
    mock.method(globalThis, "setInterval", arm as unknown as typeof setInterval);
    mock.method(globalThis, "clearInterval", disarm);
  });
  afterEach(() => mock.restoreAll());

  /** Lets the one armed timer fall due; its delay. */
  const elapse = (): number => {
    assert.equal(armed.length, 1);
    const [timer] = armed.splice(0, 1);
    timer?.fn();
    return timer?.delayMs ?? Number.NaN;
  };

  test("keeps a delay of 60 days exactly, with no timer that overflows", () => {
    let calls = 0;
    systemClock.after(60 * dayMs, () => calls++);
    let waitedMs = 0;
    while (calls === 0) {
      const delayMs = elapse();
      assert.ok(delayMs <= 2 ** 31 - 1, `setTimeout takes ${delayMs} as 1`);
      waitedMs += delayMs;
    }
    assert.equal(waitedMs, 60 * dayMs);
    assert.equal(armed.length, 0);
  });

  for (const delayMs of [2 ** 31 - 2, 2 ** 31 - 1, 2 ** 31, 2 ** 32]) {
    test(`keeps a delay of ${delayMs} ms`, () => {
      let calls = 0;
      systemClock.after(delayMs, () => calls++);
      let waitedMs = 0;
      while (calls === 0) waitedMs += elapse();
      assert.equal(waitedMs, delayMs);
    });
  }

  test("cancels a long delay in its second part", () => {
    const cancel = systemClock.after(60 * dayMs, () => assert.fail("cancelled"));
    elapse();
    cancel();
    cancel();
    assert.equal(armed.length, 0);
  });

  test("takes a delay in the past as now", () => {
    let calls = 0;
    systemClock.after(-5, () => calls++);
    assert.equal(elapse(), 0);
    assert.equal(calls, 1);
  });

  test("does not keep the process alive", () => {
    systemClock.after(60 * dayMs, () => {});
    assert.deepEqual(
      armed.map((timer) => timer.unrefs),
      [1],
    );
    elapse();
    assert.deepEqual(
      armed.map((timer) => timer.unrefs),
      [1],
    );
    systemClock.every(1000, () => {});
    assert.equal(armed.at(-1)?.unrefs, 1);
  });

  test("repeats until cancelled", () => {
    const cancel = systemClock.every(1000, () => {});
    assert.equal(armed[0]?.delayMs, 1000);
    cancel();
    assert.equal(armed.length, 0);
  });

  test("tells the time", () => {
    assert.ok(Math.abs(systemClock.now() - Date.now()) < dayMs);
    const first = systemClock.monotonic();
    assert.ok(systemClock.monotonic() >= first);
  });
});

suite("FakeClock", () => {
  test("stands still until it is moved", async () => {
    const clock = new FakeClock(5_000);
    assert.deepEqual([clock.now(), clock.monotonic()], [5_000, 0]);
    await clock.advance(250);
    assert.deepEqual([clock.now(), clock.monotonic()], [5_250, 250]);
  });

  test("runs what falls due in order of time, at its time", async () => {
    const clock = new FakeClock();
    const ran: [string, number][] = [];
    const note = (name: string) => () => ran.push([name, clock.monotonic()]);
    clock.after(30, note("late"));
    clock.after(10, note("early"));
    clock.every(20, note("often"));
    clock.after(41, note("not yet"));
    await clock.advance(40);
    assert.deepEqual(ran, [
      ["early", 10],
      ["often", 20],
      ["late", 30],
      ["often", 40],
    ]);
    assert.equal(clock.pending, 2);
  });

  test("keeps delays over 24.8 days", async () => {
    const clock = new FakeClock();
    let calls = 0;
    clock.after(60 * dayMs, () => calls++);
    await clock.advance(60 * dayMs - 1);
    assert.equal(calls, 0);
    await clock.advance(1);
    assert.equal(calls, 1);
  });

  test("runs timers that timers and their promises arm", async () => {
    const clock = new FakeClock();
    const ran: string[] = [];
    clock.after(1, () => {
      clock.after(1, () => ran.push("from a timer"));
      void Promise.resolve().then(() => clock.after(2, () => ran.push("from a promise")));
    });
    await clock.advance(10);
    assert.deepEqual(ran, ["from a timer", "from a promise"]);
  });

  test("forgets what is cancelled, also by a timer that falls due before", async () => {
    const clock = new FakeClock();
    const cancel = clock.every(10, () => assert.fail("cancelled"));
    clock.after(5, cancel);
    await clock.advance(100);
    assert.equal(clock.pending, 0);
  });
});
