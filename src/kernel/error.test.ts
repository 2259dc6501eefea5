import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { definedErrors, defineErrors, describeError, LateenError } from "./error.ts";

const errors = defineErrors({
  late: { code: "LAT0002", meaning: "It came late.", remedy: "Come earlier." },
  early: { code: "LAT0001", meaning: "It came early.", remedy: "Come later." },
});

suite("defineErrors", () => {
  test("makes errors with code, message, remedy and cause", () => {
    const cause = new TypeError("rain");
    const error = errors.late("the train is late", { cause });
    assert.ok(error instanceof LateenError && error instanceof Error);
    assert.deepEqual(
      [error.name, error.code, error.message, error.remedy, error.cause],
      ["LateenError", "LAT0002", "the train is late", "Come earlier.", cause],
    );
  });

  test("lets the raiser know better", () => {
    assert.equal(errors.late("late", { remedy: "Take the bus." }).remedy, "Take the bus.");
  });

  test("has no cause where none is given", () => assert.ok(!Object.hasOwn(errors.late("late"), "cause")));

  test("refuses a code that is taken", () => {
    assert.throws(() => defineErrors({ again: { code: "LAT0002", meaning: "", remedy: "" } }), /LAT0002 .*twice/);
  });

  test("lists what is declared, by code", () => {
    const codes = definedErrors().map((kind) => kind.code);
    assert.deepEqual(codes, ["LAT0001", "LAT0002"]);
  });
});

suite("describeError", () => {
  test("tells a message with those of its causes", () => {
    const cause = errors.early("too early", { cause: new TypeError("no clock") });
    assert.equal(describeError(errors.late("missed", { cause })), "missed: too early: no clock");
  });

  for (const [thrown, text] of [
    ["text", "text"],
    [undefined, "undefined"],
    [null, "null"],
    [{ a: 1 }, "[object Object]"],
  ] as const) {
    test(`takes ${text}, which is no error`, () => assert.equal(describeError(thrown), text));
  }
});
