import assert from "node:assert/strict";
import { suite, test } from "node:test";
import fc from "fast-check";
import { sameData } from "./equal.ts";

suite("sameData", () => {
  const equal: [unknown, unknown][] = [
    [
      { a: 1, b: [2] },
      { b: [2], a: 1 },
    ],
    [new Map([["a", { b: 1 }]]), new Map([["a", { b: 1 }]])],
    [new Set([1, 2]), new Set([2, 1])],
    [Uint8Array.of(1, 2), Uint8Array.of(1, 2)],
    [Number.NaN, Number.NaN],
    [undefined, undefined],
  ];
  for (const [a, b] of equal) test(`${format(a)} is ${format(b)}`, () => assert.ok(sameData(a, b)));

  const different: [unknown, unknown][] = [
    [
      [1, 2],
      [2, 1],
    ],
    [{ a: 1 }, { a: 1, b: undefined }],
    [{ a: "1" }, { a: 1 }],
    [null, undefined],
    [[], {}],
    [Uint8Array.of(1), Uint8Array.of(2)],
    [new Map([["a", 1]]), new Map([["a", 2]])],
  ];
  for (const [a, b] of different) test(`${format(a)} is not ${format(b)}`, () => assert.ok(!sameData(a, b)));

  test("a copy is the same data", () => {
    fc.assert(fc.property(fc.jsonValue(), (value) => assert.ok(sameData(value, structuredClone(value)))));
  });
});

function format(value: unknown): string {
  return `${Object.prototype.toString.call(value)} ${JSON.stringify(value)}`;
}
