import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeObject } from "./decode-object.ts";

const object = { apiVersion: "v1", kind: "Namespace", metadata: { name: "a" } };

function codeOf(value: unknown): string | undefined {
  const found = decodeObject(value, "default");
  return "problems" in found ? found.problems[0]?.code : undefined;
}

test("members that are null are absent, at every depth; items stay", () => {
  const found = decodeObject({ ...object, spec: { finalizers: [null, { a: null }] }, status: null }, "default");
  assert.ok("object" in found);
  assert.deepEqual(found.object, {
    ...object,
    metadata: { name: "a", namespace: "" },
    spec: { finalizers: [null, {}] },
  });
});

test("the caller's value is left alone", () => {
  const value = { ...object, metadata: { ...object.metadata, labels: null } };
  decodeObject(value, "default");
  assert.equal(value.metadata.labels, null);
});

test("depth and __proto__ are refused", () => {
  let deep: unknown = 1;
  for (let depth = 0; depth < 10_000; depth++) deep = [deep];
  assert.equal(codeOf({ ...object, spec: deep }), "LAT1011");
  assert.equal(codeOf(JSON.parse('{"spec": {"__proto__": {"x": 1}}}')), "LAT1001");
});

test("anything gets an answer", () => {
  fc.assert(
    fc.property(fc.anything(), (value) => {
      const found = decodeObject(value, "default");
      assert.ok("problems" in found);
    }),
  );
});
