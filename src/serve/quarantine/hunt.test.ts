import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Hunt } from "./hunt.ts";

/** Plays proxies that reject whatever shows a bad part; returns how many verdicts it took. */
function play(hunt: Hunt<number>, parts: readonly number[], bad: ReadonlySet<number>): number {
  let verdicts = 0;
  while (!hunt.over) {
    const aside = new Set(hunt.aside);
    const shown = parts.filter((part) => !aside.has(part));
    if (shown.some((part) => bad.has(part))) hunt.rejected();
    else hunt.accepted();
    verdicts += 1;
    assert.ok(verdicts < 1000);
  }
  return verdicts;
}

test("a hunt convicts exactly the bad parts, in a few rounds for each", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 200 }),
      fc.uniqueArray(fc.nat(199), { minLength: 1, maxLength: 4 }),
      (size, chosen) => {
        const parts = Array.from({ length: size }, (_, at) => at);
        const bad = new Set(chosen.map((at) => at % size));
        const hunt = new Hunt(parts);
        const verdicts = play(hunt, parts, bad);
        assert.deepEqual([...hunt.culprits].sort(), [...bad].sort());
        assert.deepEqual([...hunt.aside].sort(), [...bad].sort());
        assert.ok(verdicts <= 2 * bad.size * (Math.ceil(Math.log2(size)) + 2), `${verdicts} of ${size}`);
      },
    ),
  );
});

test("what becomes different during a hunt is suspected with the others, and what is gone is not waited for", () => {
  const hunt = new Hunt(["a", "b", "c", "d"]);
  assert.deepEqual(hunt.probed, ["a", "b"]);
  assert.deepEqual(hunt.aside, ["c", "d"]);
  hunt.rejected(["new"]);
  assert.deepEqual(hunt.probed, ["a", "b"], "they are only suspects now");
  hunt.accepted();
  hunt.retain((part) => part !== "c");
  assert.deepEqual(hunt.probed, ["d"]);
  hunt.accepted();
  assert.deepEqual(hunt.probed, ["new"]);
  hunt.rejected();
  assert.equal(hunt.over, true);
  assert.deepEqual(hunt.culprits, ["new"]);
});

test("a hunt whose suspects are all gone is over", () => {
  const hunt = new Hunt(["a", "b"]);
  hunt.retain(() => false);
  assert.equal(hunt.over, true);
  assert.deepEqual([hunt.culprits, hunt.aside], [[], []]);
});

test("what was convicted and is served again can be convicted again", () => {
  const hunt = new Hunt(["a", "b", "c"]);
  hunt.rejected();
  hunt.rejected();
  assert.deepEqual(hunt.culprits, ["a"]);
  assert.deepEqual(hunt.probed, ["c"]);
  hunt.acquit((part) => part === "a");
  assert.ok(!hunt.aside.includes("a"));
  hunt.rejected(["a"]);
  while (!hunt.over) {
    if (hunt.aside.includes("a")) hunt.accepted();
    else hunt.rejected();
  }
  assert.deepEqual(hunt.culprits, ["a"]);
});
