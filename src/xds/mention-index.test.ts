import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { MentionIndex } from "./mention-index.ts";

const word = /[a-z0-9_|-]+/;
const has = (text: string, value: string): boolean => new MentionIndex(text, word).has(value);

test("a value is found where it stands by itself, of one word, of several, and of none", () => {
  assert.equal(has("cluster outbound|80||a-b: unknown", "outbound|80||a-b"), true);
  assert.equal(has("cluster outbound|80||a-b: unknown", "outbound|80||a"), false);
  assert.equal(has("0.0.0.0_80, 0.0.0.0_443", "0.0.0.0_443"), true);
  assert.equal(has("0.0.0.0_80, 0.0.0.0_443", "0.0.0.0_4"), false);
  assert.equal(has("x a b. ", "a b"), true);
  assert.equal(has("xa b", "a b"), false);
  assert.equal(has("invalid regex '(a': missing )", "(a"), true);
  assert.equal(has("invalid regex '(((': missing )", "((("), true);
  assert.equal(has("a", ""), false);
});

test("it agrees with a search that goes through every place", () => {
  const plainly = (text: string, value: string): boolean => {
    for (let at = text.indexOf(value); at >= 0 && value !== ""; at = text.indexOf(value, at + 1)) {
      const isCut = (inner: string | undefined, outer: string | undefined): boolean =>
        word.test(inner ?? " ") && word.test(outer ?? " ");
      if (!isCut(value[0], text[at - 1]) && !isCut(value.at(-1), text[at + value.length])) return true;
    }
    return false;
  };
  const texts = fc.string({ unit: fc.constantFrom("a", "b", ".", " ", "("), maxLength: 40 });
  const values = fc.string({ unit: fc.constantFrom("a", "b", ".", " ", "("), maxLength: 5 });
  fc.assert(fc.property(texts, values, (text, value) => assert.equal(has(text, value), plainly(text, value))));
});

/** Characters of texts that were compared or searched. */
function comparedIn(work: () => void): number {
  const { startsWith, indexOf, includes } = String.prototype;
  let compared = 0;
  String.prototype.startsWith = function (this: string, value: string, at?: number) {
    compared += value.length;
    return startsWith.call(this, value, at);
  };
  String.prototype.indexOf = function (this: string, value: string, at?: number) {
    const found = indexOf.call(this, value, at);
    compared += found < 0 ? this.length : found - (at ?? 0) + value.length;
    return found;
  };
  String.prototype.includes = function (this: string, value: string, at?: number) {
    compared += this.length * value.length;
    return includes.call(this, value, at);
  };
  try {
    work();
  } finally {
    Object.assign(String.prototype, { startsWith, indexOf, includes });
  }
  return compared;
}

test("names and words that are made for each other cost no more than a bound", () => {
  const long = "a".repeat(8192);
  const inWord = Array.from({ length: 2047 }, (_, at) => long.slice(0, at + 1));
  const inWords = Array.from({ length: 2047 }, (_, at) => `${"a ".repeat(at + 1)}b`);
  const wordless = Array.from({ length: 2047 }, (_, at) => `${"(".repeat(at + 1)})`);
  for (const [text, names] of [
    [long, inWord],
    ["a ".repeat(4096), inWords],
    [`${"a ".repeat(4000)}b`, inWords],
    ["(".repeat(8192), wordless],
  ] as const) {
    const compared = comparedIn(() => {
      const index = new MentionIndex(text, word);
      for (const name of names) index.has(name);
    });
    assert.ok(compared <= 4_100_000, `${compared} characters`);
  }
});
