import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isolationGroups } from "./isolation.ts";

test("a name that is a piece of a longer one is not taken for it", () => {
  const names = ["outbound|80||a", "outbound|80||a-b", "outbound|8080||a"];
  assert.deepEqual(isolationGroups(names, "cluster outbound|80||a-b: unknown"), [
    ["outbound|80||a", "outbound|8080||a"],
    ["outbound|80||a-b"],
  ]);
});

test("every name is in exactly one group, whatever the message says, and there are at most 64", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.string(), { maxLength: 200, size: "max" }), fc.string(), (names, message) => {
      const groups = isolationGroups(names, message + names.slice(0, 3).join(" "));
      assert.deepEqual(groups.flat().sort(), names.toSorted());
      assert.ok(groups.length <= 64);
    }),
  );
});

test("names at every place of the message, but always as a piece of a word, are mentioned nowhere", () => {
  const names = Array.from({ length: 2047 }, (_, at) => "a".repeat(at + 1));
  const { indexOf } = String.prototype;
  let searches = 0;
  String.prototype.indexOf = function (this: string, value: string, at?: number) {
    searches += 1;
    return indexOf.call(this, value, at);
  };
  try {
    assert.equal(isolationGroups(names, "a".repeat(8192)).length, 64);
  } finally {
    String.prototype.indexOf = indexOf;
  }
  assert.ok(searches <= names.length, `${searches} searches`);
});
