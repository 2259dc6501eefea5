import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { systemRandom } from "./random.ts";

suite("systemRandom", () => {
  test("has fractions from 0 to below 1", () => {
    for (let i = 0; i < 1000; i++) {
      const fraction = systemRandom.fraction();
      assert.ok(fraction >= 0 && fraction < 1);
    }
  });

  test("has as many bytes as asked, in memory of their own, never the same", () => {
    const [a, b] = [systemRandom.bytes(32), systemRandom.bytes(32)];
    assert.deepEqual([a.length, a.buffer.byteLength], [32, 32]);
    assert.notDeepEqual(a, b);
    assert.equal(systemRandom.bytes(0).length, 0);
  });
});
