import assert from "node:assert/strict";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import type { FuzzReport } from "./packet-fuzz.fake.ts";

/** A hundred packets take milliseconds; this is far above what a busy machine adds. */
const watchdogMs = 5_000;

test("D2: 10,000 mutated packets: no crash, no hang, and every answer is a proper one", async (t) => {
  const worker = new Worker(new URL("./packet-fuzz.fake.ts", import.meta.url), { workerData: { packets: 10_000 } });
  t.after(() => worker.terminate());
  const end = await new Promise<FuzzReport>((resolve) => {
    const bite = (): void => resolve({ kind: "failed", error: "a hundred packets took 5 s" });
    let watchdog = setTimeout(bite, watchdogMs);
    worker.on("error", (error) => resolve({ kind: "failed", error: String(error) }));
    worker.on("message", (report: FuzzReport) => {
      clearTimeout(watchdog);
      if (report.kind === "progress") watchdog = setTimeout(bite, watchdogMs);
      else resolve(report);
    });
  });
  assert.ok(end.kind === "done", end.kind === "failed" ? end.error : "");
  assert.ok(end.answered > 1_000, `only ${end.answered} packets were worth an answer`);
});
