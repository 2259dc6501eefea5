import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parsePath } from "../../config/field-path.ts";
import { sameData } from "../../kernel/equal.ts";
import { changedFields } from "./changed-fields.ts";

const plenty = () => ({ left: 10_000 });

test("names the fields that differ, what came and what went as a whole", () => {
  const before = { spec: { hosts: ["a"], http: [{ timeout: "1s", retries: { attempts: 2 } }, { name: "b" }] } };
  const after = { spec: { hosts: ["a", "b"], http: [{ timeout: "2s", fault: { abort: {} } }, { name: "b" }] } };
  assert.deepEqual(changedFields(before, after, plenty()), {
    fields: ["spec.hosts[1]", "spec.http[0].timeout", "spec.http[0].retries", "spec.http[0].fault"],
    more: false,
  });
  assert.deepEqual(changedFields(before, structuredClone(before), plenty()), { fields: [], more: false });
});

test("names at most sixteen, and stops where too much is to be compared", () => {
  const many = (value: number) => Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`f${index}`, value]));
  const found = changedFields(many(1), many(2), plenty());
  assert.equal(found.fields.length, 16);
  assert.equal(found.more, true);
  const budget = { left: 3 };
  assert.deepEqual(changedFields(many(1), many(2), budget), { fields: ["f0", "f1"], more: true });
  assert.deepEqual(changedFields({ a: 1 }, { a: 2 }, budget), { fields: [], more: true });
});

test("every path leads to a difference, and equal data has none", () => {
  const at = (value: unknown, path: string): unknown =>
    (parsePath(path) ?? []).reduce<unknown>(
      (held, segment) => (held as Record<string | number, unknown> | null | undefined)?.[segment],
      value,
    );
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), fc.jsonValue({ maxDepth: 4 }), (a, b) => {
      const { fields, more } = changedFields({ a }, { a: b }, plenty());
      assert.equal(
        fields.length === 0 && !more,
        sameData(JSON.parse(JSON.stringify(a)), JSON.parse(JSON.stringify(b))),
      );
      for (const field of fields) {
        if (field.length < 256) assert.ok(!Object.is(at({ a }, field), at({ a: b }, field)), field);
      }
    }),
    { numRuns: 500 },
  );
});
