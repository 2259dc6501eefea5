import assert from "node:assert/strict";
import { test } from "node:test";
import { agentErrors } from "../agent/errors.ts";
import { retryBusy } from "./retry-busy.ts";

const half = { fraction: () => 0.5, bytes: (length: number) => new Uint8Array(length) };
const busy = agentErrors.controlPlaneBusy("busy");

function bed(failures: readonly Error[]) {
  const abort = new AbortController();
  const pauses: number[] = [];
  let calls = 0;
  const call = async (): Promise<string> => {
    const failure = failures[calls];
    calls += 1;
    if (failure !== undefined) throw failure;
    return "in";
  };
  const pause = async (ms: number): Promise<void> => {
    pauses.push(ms);
  };
  return {
    abort,
    pauses,
    calls: () => calls,
    run: () => retryBusy(call, { signal: abort.signal, random: half, pause }),
  };
}

test("who was not looked at tries again, later each time", async () => {
  const { pauses, run } = bed([busy, busy, busy, busy, busy]);
  assert.equal(await run(), "in");
  assert.deepEqual(pauses, [500, 1_000, 2_000, 4_000, 4_000]);
});

test("anything else is told at once, and so is the last of many attempts", async () => {
  const lost = agentErrors.controlPlaneUnreachable("gone");
  const one = bed([busy, lost]);
  await assert.rejects(one.run(), lost);
  assert.equal(one.calls(), 2);
  const many = bed(Array.from({ length: 100 }, () => busy));
  await assert.rejects(many.run(), busy);
  assert.equal(many.calls(), 12);
});

test("an interrupted wait ends it", async () => {
  const { abort, calls, run } = bed([busy]);
  abort.abort();
  await assert.rejects(run(), busy);
  assert.equal(calls(), 1);
});
