import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { FakeClock } from "../../kernel/clock.fake.ts";
import { longestTurnMs, UpdatePace } from "./update-pace.ts";

async function restAfter(tookMs: number): Promise<number> {
  const clock = new FakeClock();
  const pace = new UpdatePace(clock);
  assert.equal(pace.restMs, 0, "the first goes at once");
  pace.sent();
  await clock.advance(tookMs);
  pace.answered();
  const { restMs } = pace;
  await clock.advance(restMs);
  assert.equal(pace.restMs, 0);
  return restMs;
}

test("Envoy rests ten times as long as it worked", async () => {
  assert.deepEqual([await restAfter(0), await restAfter(2), await restAfter(20)], [0, 20, 200]);
});

test("a change that just missed a turn is with Envoy within a second, as long as Envoy answers within a turn", async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(longestTurnMs), async (tookMs) => {
      const turnMs = tookMs + (await restAfter(tookMs));
      assert.ok(turnMs <= longestTurnMs && 2 * longestTurnMs < 1_000, `${turnMs} ms`);
    }),
  );
});

test("an Envoy that takes very long is not made to wait on top", async () => {
  assert.equal(await restAfter(3_000), 0);
});
