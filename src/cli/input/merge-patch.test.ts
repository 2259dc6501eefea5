import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isFields } from "../../kernel/fields.ts";
import { mergePatch } from "./merge-patch.fake.ts";
import { sameJson, threeWayPatch } from "./merge-patch.ts";

test("adds, changes, removes what was applied before, keeps what others set", () => {
  const original = { spec: { a: 1, gone: 2, deep: { x: 1, y: 2 } } };
  const modified = { spec: { a: 1, list: [1, 2], deep: { x: 3 } } };
  const current = { spec: { a: 1, gone: 2, theirs: 9, list: [1], deep: { x: 1, y: 2, z: 3 } }, status: {} };
  assert.deepEqual(threeWayPatch(original, modified, current), {
    spec: { list: [1, 2], deep: { x: 3, y: null }, gone: null },
  });
  assert.deepEqual(threeWayPatch(undefined, { a: {} }, { a: { b: 1 } }), {});
});

/** JSON objects without null, as decoded files are. */
const keys = fc.constantFrom("a", "b", "c", "constructor");
const object = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.integer({ max: 3, min: 0 }),
    fc.constantFrom("x", true),
    fc.array(fc.integer({ max: 2 }), { maxLength: 2 }),
    tie("object"),
  ),
  object: fc.dictionary(keys, tie("value"), { maxKeys: 3 }),
})).object as fc.Arbitrary<Record<string, unknown>>;

test("after the patch everything modified says holds, what was dropped is gone, and a second patch is empty", () => {
  fc.assert(
    fc.property(object, object, object, (original, modified, current) => {
      const patched = mergePatch(current, threeWayPatch(original, modified, current)) as Record<string, unknown>;
      assert.ok(holds(patched, modified), JSON.stringify({ original, modified, current, patched }));
      for (const key of Object.keys(original))
        if (!Object.hasOwn(modified, key)) assert.ok(!Object.hasOwn(patched, key));
      for (const key of Object.keys(current)) {
        if (!Object.hasOwn(original, key) && !Object.hasOwn(modified, key))
          assert.deepEqual(patched[key], current[key]);
      }
      assert.deepEqual(threeWayPatch(modified, modified, patched), {});
    }),
  );
});

/** True where `whole` says all that `part` says. */
function holds(whole: unknown, part: unknown): boolean {
  if (!isFields(part)) return sameJson(whole, part);
  return (
    isFields(whole) &&
    Object.entries(part).every(([key, value]) => Object.hasOwn(whole, key) && holds(whole[key], value))
  );
}
