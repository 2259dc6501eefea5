import assert from "node:assert/strict";
import { test } from "node:test";
import { defineKind, type Kind } from "./kind.ts";
import { type ApiObject, formatConfigKey } from "./object.ts";
import { formatProblem } from "./problem.ts";
import { atMostOne, exactlyOne, integer, list, map, object, oneOfStrings, string } from "./schema.ts";
import { validateObject, validateValue } from "./validate.ts";

const schema = object(
  {
    name: string({
      minLength: 1,
      maxLength: 3,
      rules: [{ message: "must not be a", test: (text: string) => text !== "a" }],
    }),
    count: integer("uint32", { maximum: 10 }),
    mode: oneOfStrings(["ON", "OFF"]),
    parts: list(object({ left: string(), right: string() }, { rules: [exactlyOne("left", "right")] }), { maxItems: 2 }),
    labels: map(object({ x: string({ pending: true }) }, { required: ["x"] }), { maxProperties: 2 }),
    either: string(),
    other: string(),
  },
  { required: ["name"], rules: [{ ...atMostOne("either", "other"), at: "either" }] },
);

const kind = defineKind<{ name: string }>({
  kind: "Sample",
  group: "test.example.com",
  plural: "samples",
  singular: "sample",
  shortNames: [],
  versions: ["v1"],
  scope: "Namespaced",
  description: "A kind for this test.",
  schema,
  root: "spec",
  columns: [],
  check: ({ spec }) =>
    spec?.name === "zzz" ? [{ severity: "warning", code: "IST0001", message: "sleepy", path: "spec.name" }] : [],
}) as Kind;

function found(spec: unknown, metadata: object = {}, more: object = {}): [string, string | undefined][] {
  const object = {
    apiVersion: "test.example.com/v1",
    kind: "Sample",
    metadata: { name: "a", namespace: "b", ...metadata },
  };
  return validateObject(kind, { ...object, ...more, spec } as ApiObject).map(({ code, path }) => [code, path]);
}

test("each kind of mistake has its code and its path", () => {
  assert.deepEqual(found({ name: "b" }), []);
  assert.deepEqual(found({}), [["LAT1006", "spec.name"]]);
  assert.deepEqual(found(undefined), [["LAT1006", "spec.name"]]);
  assert.deepEqual(found([]), [["LAT1003", "spec"]]);
  assert.deepEqual(found({ name: 5 }), [["LAT1003", "spec.name"]]);
  assert.deepEqual(found({ name: "" }), [["LAT1005", "spec.name"]]);
  assert.deepEqual(found({ name: "abcd" }), [["LAT1005", "spec.name"]]);
  assert.deepEqual(found({ name: "a" }), [["LAT1007", "spec.name"]]);
  assert.deepEqual(found({ name: "b", count: 11 }), [["LAT1005", "spec.count"]]);
  assert.deepEqual(found({ name: "b", count: 1.5 }), [["LAT1003", "spec.count"]]);
  assert.deepEqual(found({ name: "b", mode: "on" }), [["LAT1004", "spec.mode"]]);
  assert.deepEqual(found({ name: "b", mode: 1 }), [["LAT1003", "spec.mode"]]);
  assert.deepEqual(found({ name: "b", parts: [{ left: "x" }, {}] }), [["LAT1007", "spec.parts[1]"]]);
  assert.deepEqual(found({ name: "b", parts: [{ left: "x" }, { letf: "x" }] }), [["LAT1002", "spec.parts[1].letf"]]);
  assert.deepEqual(found({ name: "b", labels: { "a/b": {} } }), [["LAT1006", 'spec.labels["a/b"].x']]);
  assert.deepEqual(found({ name: "b", labels: { constructor: { y: 1, x: "" } } }), [
    ["LAT1002", "spec.labels.constructor.y"],
  ]);
  assert.deepEqual(found({ name: "b", either: "x", other: "y" }), [["LAT1007", "spec.either"]]);
  assert.deepEqual(found({ name: "b", labels: { a: { x: "" } } }), [["LAT1010", "spec.labels.a.x"]]);
  assert.deepEqual(found({ name: "zzz" }), [["IST0001", "spec.name"]]);
});

test("fields that every object inherits are unknown like others", () => {
  assert.deepEqual(found({ name: "b", toString: 1, constructor: 2, hasOwnProperty: 3 }), [
    ["LAT1002", "spec.toString"],
    ["LAT1002", "spec.constructor"],
    ["LAT1002", "spec.hasOwnProperty"],
  ]);
});

test("fields beside spec are refused, with what was meant", () => {
  assert.deepEqual(found({ name: "b" }, {}, { spce: {} }), [["LAT1002", "spce"]]);
  assert.deepEqual(found({ name: "b" }, {}, { status: { anything: 1 } }), []);
});

test("metadata keeps Kubernetes' rules", () => {
  for (const [metadata, path] of [
    [{ name: "A" }, "metadata.name"],
    [{ name: "a".repeat(254) }, "metadata.name"],
    [{ name: "а" }, "metadata.name"], // a Cyrillic letter that looks like a
    [{ name: "a/b" }, "metadata.name"],
    [{ namespace: "a.b" }, "metadata.namespace"],
    [{ namespace: "" }, "metadata.namespace"],
    [{ labels: { "a b": "c" } }, 'metadata.labels["a b"]'],
    [{ labels: { a: "b c" } }, "metadata.labels.a"],
    [{ labels: { a: "b".repeat(64) } }, "metadata.labels.a"],
    [{ annotations: { "A/b": "c" } }, 'metadata.annotations["A/b"]'],
    [{ annotations: { a: "b".repeat(300_000) } }, "metadata.annotations"],
  ] as const) {
    assert.deepEqual(found({ name: "b" }, metadata), [["LAT1009", path]], JSON.stringify(metadata).slice(0, 60));
  }
  assert.deepEqual(found({ name: "b" }, { labels: { "example.com/a": "" }, annotations: { a: "b c\n" } }), []);
});

test("problems of one object are bounded", () => {
  const labels = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`k${index}`, 5]));
  assert.ok(found({ name: "b", labels }).length <= 64);
  assert.ok(validateValue(list(string({ maxLength: 1 })), Array(500).fill("xx"), []).errors.length <= 64);
  const rule = { message: "no", test: () => false };
  assert.ok(validateValue(list(string({ rules: [rule] })), Array(500).fill("xx"), []).errors.length <= 64);
});

test("a problem reads as one line", () => {
  const line = formatProblem({
    severity: "error",
    code: "LAT1003",
    message: "must be of type string",
    object: { kind: "Sample", namespace: "b", name: "a" },
    path: "spec.name",
    remedy: "Use quotes.",
    file: "mesh.yaml",
    line: 7,
  });
  assert.equal(line, "mesh.yaml:7: error LAT1003 Sample b/a spec.name: must be of type string (Use quotes.)");
});

test("keys of different objects never collide", () => {
  const key = { source: "c", group: "g", kind: "K", namespace: "a-b", name: "c" };
  assert.notEqual(formatConfigKey(key), formatConfigKey({ ...key, namespace: "a", name: "b-c" }));
});
