import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { sharedData } from "./shared-data.ts";

test("gives what is equal, whatever was before", () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (before, after) => {
      assert.deepEqual(sharedData(before, after), after);
      assert.deepEqual(JSON.stringify(sharedData(before, after)), JSON.stringify(after));
    }),
  );
});

test("gives the value of before where it is equal", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      assert.ok(Object.is(sharedData(value, structuredClone(value)), value));
    }),
  );
});

test("keeps the elements around a change, an insertion and a removal", () => {
  const before = { list: [{ a: 1 }, { b: 2 }, { c: 3 }], other: { x: [1] } };
  const changed = sharedData(before, { list: [{ a: 1 }, { b: 5 }, { c: 3 }], other: { x: [1] } });
  assert.equal(changed.list[0], before.list[0]);
  assert.equal(changed.list[2], before.list[2]);
  assert.equal(changed.other, before.other);
  const inserted = sharedData(before.list as object[], [{ a: 1 }, { n: 9 }, { b: 2 }, { c: 3 }]);
  assert.deepEqual(
    [0, 2, 3].map((at) => before.list.indexOf(inserted[at] as never)),
    [0, 1, 2],
  );
  const removed = sharedData(before.list, [{ b: 2 }, { c: 3 }] as object[]);
  assert.deepEqual(
    removed.map((part) => before.list.indexOf(part as never)),
    [1, 2],
  );
});

test("an object with the key __proto__ keeps it", () => {
  const value = JSON.parse('{"__proto__": {"a": 1}}');
  assert.equal(JSON.stringify(sharedData({}, value)), '{"__proto__":{"a":1}}');
});
