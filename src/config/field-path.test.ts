import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatPath, fromPointer, parsePath } from "./field-path.ts";

test("paths read as people write them", () => {
  assert.equal(formatPath(["spec", "http", 0, "route", 1, "weight"]), "spec.http[0].route[1].weight");
  assert.equal(formatPath(["metadata", "labels", "a.b/c"]), 'metadata.labels["a.b/c"]');
  assert.equal(formatPath([]), "");
});

test("what is written is read back", () => {
  const segment = fc.oneof(fc.nat(9999), fc.string(), fc.constantFrom("spec", "a-b", "0", "", '"', "]"));
  fc.assert(
    fc.property(fc.array(segment, { maxLength: 5 }), (segments) => {
      assert.deepEqual(parsePath(formatPath(segments)), segments);
    }),
  );
});

test("what is no path is none, and nothing throws", () => {
  for (const text of ["a..b", "a[", "a[x]", 'a["b]', "a b", '["\\q"]']) {
    assert.equal(parsePath(text), undefined, text);
  }
  fc.assert(fc.property(fc.string(), (text) => void parsePath(text)));
});

test("a JSON pointer becomes segments of the value it points into", () => {
  assert.deepEqual(fromPointer("/a/0/b~1c~0d", { a: [{}] }), ["a", 0, "b/c~d"]);
  assert.deepEqual(fromPointer("/a/0", { a: { "0": 1 } }), ["a", "0"]);
  assert.deepEqual(fromPointer("", {}), []);
});
