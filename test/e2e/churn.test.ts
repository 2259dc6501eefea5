// Changes of all kinds, several a second, while machines call each other without pause.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { ChurnMesh } from "../bench/churn/churn-mesh.ts";
import { ChurnRun } from "../bench/churn/churn-run.ts";
import { readVerdicts } from "../bench/churn/verdicts.ts";
import { rootOnly } from "../kit/mesh.ts";

/** Enough for each service to go through its whole story more than twice. */
const changes = 200;
/** Between two changes, milliseconds: a pace, not a wait for something. */
const everyMs = 100;

describe("a mesh whose endpoints, routes, subsets and policies change all the time", rootOnly, () => {
  let churn: ChurnMesh;
  let run: ChurnRun;

  before(async () => {
    churn = await ChurnMesh.start(4, () => {});
    run = new ChurnRun(churn);
    await run.answering();
    await new Promise<void>((resolve, reject) => {
      const timer = setInterval(() => {
        try {
          run.change();
          if (run.changes < changes) return;
          resolve();
        } catch (error) {
          reject(error);
        }
        clearInterval(timer);
      }, everyMs);
    });
    await run.finish();
  });
  after(() => churn?.stop());

  it("was changed in every way, and calls have shown it", () => {
    for (const [kind, count] of Object.entries(run.counts)) assert.ok(count > 0, `no changes of ${kind}`);
    assert.ok(run.record.answered > 0);
    assert.ok(run.record.shown.size > 10, `${run.record.shown.size} routes were seen by calls`);
  });

  it("loses no call", () => {
    assert.equal(run.record.failedCount, 0, JSON.stringify(run.record.bad, undefined, 2));
  });

  it("has each call answered by a machine to which its route leads", () => {
    assert.equal(run.record.strayedCount, 0, JSON.stringify(run.record.bad, undefined, 2));
  });

  it("is accepted by every Envoy, and leaves no cluster warming", async () => {
    const { rejects, rejected, warming } = await readVerdicts(churn);
    assert.deepEqual({ rejects, rejected, warming }, { rejects: 0, rejected: [], warming: [] });
  });

  it("has every changed cluster active on every Envoy", () => {
    assert.ok(run.activeMs.length > 0);
    assert.deepEqual(run.inactive, []);
  });
});
