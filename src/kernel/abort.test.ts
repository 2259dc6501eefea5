import assert from "node:assert/strict";
import { it } from "node:test";
import { untilAborted } from "./abort.ts";

it("waits for the abort", async () => {
  const controller = new AbortController();
  let over = false;
  const waiting = untilAborted(controller.signal).then(() => {
    over = true;
  });
  await Promise.resolve();
  assert.equal(over, false);
  controller.abort();
  await waiting;
});

it("does not lose an abort that came before", () => untilAborted(AbortSignal.abort()));
