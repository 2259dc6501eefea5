import assert from "node:assert/strict";
import { test } from "node:test";
import { nearestWord } from "./spelling.ts";

const known = ["spec", "status", "metadata", "retries", "route"];

test("slips find their word", () => {
  for (const [slip, word] of [
    ["spce", "spec"],
    ["Spec", "spec"],
    ["retires", "retries"],
    ["retrys", "retries"],
    ["metdata", "metadata"],
    ["routes", "route"],
  ] as const) {
    assert.equal(nearestWord(slip, known), word);
  }
});

test("other words find none", () => {
  for (const word of ["", "x", "timeout", "s", "a".repeat(100)])
    assert.equal(nearestWord(word, known), undefined, word);
});
