import assert from "node:assert/strict";
import { test } from "node:test";
import { resolvePlain } from "./plain-scalar.ts";

const cases: [string, ReturnType<typeof resolvePlain>][] = [
  ["", null],
  ["~", null],
  ["null", null],
  ["true", true],
  ["False", false],
  ["yes", true],
  ["off", false],
  ["y", "y"],
  ["none", "none"],
  ["truely", "truely"],
  ["0", 0],
  ["-12", -12],
  ["+5", 5],
  ["0x1F", 31],
  ["0o17", 15],
  ["1.5", 1.5],
  [".5", 0.5],
  ["1e3", 1000],
  ["8080", 8080],
  ["1.2.3.4", "1.2.3.4"],
  ["10.0.0.0/8", "10.0.0.0/8"],
  ["1m30s", "1m30s"],
  ["12:30", "12:30"],
  ["2026-01-01", "2026-01-01"],
  ["1_000", "1_000"],
  ["-", "-"],
  [".", "."],
  [".inf", undefined],
  ["-.Inf", undefined],
  [".NaN", undefined],
  ["1e999", undefined],
  ["010", undefined],
  ["-007", undefined],
  ["00.5", 0.5],
  ["v1", "v1"],
  ["*", "*"],
];

for (const [source, value] of cases) {
  test(`${JSON.stringify(source)} means ${JSON.stringify(value) ?? "nothing that JSON can hold"}`, () => {
    assert.equal(resolvePlain(source), value);
  });
}
