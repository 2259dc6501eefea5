import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { readWarnings } from "./warning-header.ts";

test("reads the texts of miscellaneous persistent warnings", () => {
  assert.deepEqual(readWarnings('299 - "a"'), ["a"]);
  assert.deepEqual(
    readWarnings('299 kube "a, \\"b\\"", 199 - "not this" , 299 - "c" "Wed, 21 Oct 2026 07:28:00 GMT"'),
    ['a, "b"', "c"],
  );
  assert.deepEqual(readWarnings(undefined), []);
  assert.deepEqual(readWarnings('299 - "a", broken, 299 - "b"'), ["a"]);
  assert.deepEqual(readWarnings(`299 - "${Buffer.from("é").toString("latin1")}"`), ["é"]);
});

test("whatever was quoted comes back, and no header makes it throw", () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.string({ maxLength: 20 }).map((text) => text.replace(/[^\x20-\x7e]/g, "")),
        { maxLength: 5 },
      ),
      fc.string(),
      (texts, junk) => {
        const header = texts.map((text) => `299 - "${text.replace(/["\\]/g, "\\$&")}"`).join(", ");
        assert.deepEqual(readWarnings(header), texts);
        readWarnings(junk);
        readWarnings(`299 - ${junk}`);
      },
    ),
  );
});
