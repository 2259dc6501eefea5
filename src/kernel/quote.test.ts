import assert from "node:assert/strict";
import { test } from "node:test";
import { quoted } from "./quote.ts";

test("a quoted text is on one line, and says where it was cut", () => {
  assert.equal(quoted('a\n"b"\u001b[31m'), '"a\\n\\"b\\"\\u001b[31m"');
  assert.equal(quoted("12345", 5), '"12345"');
  assert.equal(quoted("123456", 5), '"12345…"');
  assert.equal(quoted("x".repeat(121)), `"${"x".repeat(120)}…"`);
  assert.equal(quoted("x\u{1f600}", 2), '"x\\ud83d…"');
});
