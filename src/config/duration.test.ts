import assert from "node:assert/strict";
import { test } from "node:test";
import { parseDurationMs } from "./duration.ts";

const cases: [string, number | undefined][] = [
  ["5s", 5000],
  ["1m30s", 90_000],
  ["0.5s", 500],
  [".5s", 500],
  ["250ms", 250],
  ["1us", 0.001],
  ["1µs", 0.001],
  ["2h", 7_200_000],
  ["-1s", -1000],
  ["+1s", 1000],
  ["0", 0],
  ["0s", 0],
  ["", undefined],
  ["5", undefined],
  ["s", undefined],
  ["5 s", undefined],
  ["5s ", undefined],
  ["1d", undefined],
  ["1e3s", undefined],
  ["--1s", undefined],
  ["1s1", undefined],
  ["NaNs", undefined],
  ["315576000001s", undefined],
  [`${"9".repeat(60)}s`, undefined],
  ["1s".repeat(40), undefined],
];

for (const [text, ms] of cases) {
  test(`${JSON.stringify(text).slice(0, 30)} is ${ms === undefined ? "no duration" : `${ms} ms`}`, () => {
    assert.equal(parseDurationMs(text), ms);
  });
}
