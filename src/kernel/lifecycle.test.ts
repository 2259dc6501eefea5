import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { Lifecycle } from "./lifecycle.ts";

suite("Lifecycle", () => {
  test("stops parts in the reverse order of their start, one after the other", async () => {
    const lifecycle = new Lifecycle();
    const events: string[] = [];
    for (const name of ["store", "ca", "ads"]) {
      lifecycle.defer(async () => {
        events.push(`${name} stops`);
        await Promise.resolve();
        events.push(`${name} stopped`);
      });
    }
    await lifecycle.stop();
    assert.deepEqual(events, ["ads stops", "ads stopped", "ca stops", "ca stopped", "store stops", "store stopped"]);
  });

  test("returns what it is given", () => {
    const part = { name: "ads", stop: async () => {} };
    assert.equal(new Lifecycle().add(part), part);
  });

  test("stops each part once, however often it is asked", async () => {
    const lifecycle = new Lifecycle();
    let stops = 0;
    lifecycle.defer(() => void stops++);
    const first = lifecycle.stop();
    assert.equal(lifecycle.stop(), first);
    await first;
    await lifecycle.stop();
    assert.equal(stops, 1);
  });

  test("stops the others where one fails, and tells all failures", async () => {
    const lifecycle = new Lifecycle();
    const stopped: string[] = [];
    const [sync, late] = [new TypeError("sync"), new TypeError("late")];
    lifecycle.defer(() => void stopped.push("first"));
    lifecycle.defer(() => {
      throw sync;
    });
    lifecycle.defer(() => void stopped.push("second"));
    lifecycle.defer(() => Promise.reject(late));
    await assert.rejects(lifecycle.stop(), (error) => {
      assert.ok(error instanceof AggregateError);
      assert.deepEqual(error.errors, [late, sync]);
      return true;
    });
    assert.deepEqual(stopped, ["second", "first"]);
  });

  test("stops what a part adds while it stops", async () => {
    const lifecycle = new Lifecycle();
    const stopped: string[] = [];
    lifecycle.defer(() => lifecycle.defer(() => void stopped.push("late")));
    await lifecycle.stop();
    assert.deepEqual(stopped, ["late"]);
  });
});
