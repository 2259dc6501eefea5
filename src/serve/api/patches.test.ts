import assert from "node:assert/strict";
import { test } from "node:test";
import { applyJsonPatch } from "./json-patch.ts";
import { checkTree, parseJson } from "./json-tree.ts";
import { applyMergePatch, withoutDirectives } from "./merge-patch.ts";
import { StatusError } from "./status-error.ts";

function hasStatus(code: number): (error: unknown) => boolean {
  return (error) => error instanceof StatusError && error.status.code === code;
}

test("merge patches do what RFC 7396 says", () => {
  const cases: [unknown, unknown, unknown][] = [
    [{ a: "b" }, { a: "c" }, { a: "c" }],
    [{ a: "b" }, { b: "c" }, { a: "b", b: "c" }],
    [{ a: "b" }, { a: null }, {}],
    [{ a: "b", b: "c" }, { a: null }, { b: "c" }],
    [{ a: ["b"] }, { a: "c" }, { a: "c" }],
    [{ a: "c" }, { a: ["b"] }, { a: ["b"] }],
    [{ a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }],
    [{ a: [{ b: "c" }] }, { a: [1] }, { a: [1] }],
    [
      ["a", "b"],
      ["c", "d"],
      ["c", "d"],
    ],
    [{ a: "foo" }, null, null],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: "b", c: null }, { a: "b" }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ];
  for (const [target, patch, result] of cases) assert.deepEqual(applyMergePatch(target, patch), result);
  const target = { a: { b: 1 } };
  applyMergePatch(target, { a: { b: 2 } });
  assert.deepEqual(target, { a: { b: 1 } });
});

test("a strategic merge patch is taken where it asks for no more than a merge patch", () => {
  const patch = {
    metadata: { labels: { a: "b" }, "$setElementOrder/finalizers": ["x"] },
    spec: { $retainKeys: ["a"] },
  };
  assert.deepEqual(withoutDirectives(patch), { metadata: { labels: { a: "b" } }, spec: {} });
  assert.throws(() => withoutDirectives({ spec: { list: [{ $patch: "delete", name: "x" }] } }), hasStatus(415));
});

test("JSON patches apply in order, all or nothing", () => {
  const document = { a: [1, 2], b: { c: "d" } };
  const patch = [
    { op: "test", path: "/b/c", value: "d" },
    { op: "add", path: "/a/1", value: 9 },
    { op: "remove", path: "/b/c" },
    { op: "copy", from: "/a", path: "/b/copy" },
    { op: "move", from: "/a/0", path: "/moved" },
    { op: "replace", path: "/a/0", value: "x" },
  ];
  assert.deepEqual(applyJsonPatch(document, patch), { a: ["x", 2], b: { copy: [1, 9, 2] }, moved: 1 });
  assert.deepEqual(document, { a: [1, 2], b: { c: "d" } });
});

test("JSON patches that cannot be applied say why", () => {
  const cases: [unknown, number][] = [
    [{}, 400],
    [[{ op: "add" }], 400],
    [[{ op: "_get", path: "/a" }], 400],
    [[{ op: "delete", path: "/a" }], 400],
    [[{ op: "test", path: "/a", value: 2 }], 422],
    [[{ op: "remove", path: "/none" }], 422],
    [[{ op: "replace", path: "/none/x", value: 1 }], 422],
    [[{ op: "add", path: "/__proto__/polluted", value: 1 }], 422],
    [[{ op: "add", path: "/constructor/prototype/polluted", value: 1 }], 422],
    [Array.from({ length: 10_001 }, () => ({ op: "test", path: "/a", value: 1 })), 413],
  ];
  for (const [patch, code] of cases)
    assert.throws(() => applyJsonPatch({ a: 1 }, patch), hasStatus(code), JSON.stringify(patch).slice(0, 80));
  assert.equal(({} as Record<string, unknown>)["polluted"], undefined);
});

test("copies cannot grow without bound", () => {
  const doubling = Array.from({ length: 40 }, (_, index) => ({ op: "copy", from: "/a", path: `/a/x${index}` }));
  assert.throws(() => applyJsonPatch({ a: { text: "x".repeat(1000) } }, doubling), hasStatus(413));
});

test("w5-deep-json: nesting and prototype keys are refused", () => {
  assert.throws(() => parseJson(`${"[".repeat(100_000)}${"]".repeat(100_000)}`), hasStatus(400));
  assert.throws(() => parseJson(`{"spec":{"a":{"__proto__":{"x":1}}}}`), hasStatus(400));
  assert.throws(() => parseJson("{"), hasStatus(400));
  checkTree({ a: [{ b: null }] });
});
