// Damaged inputs for parsers: a good one with a few random edits, and the proof that a parser survives them.
import assert from "node:assert/strict";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { LateenError } from "./error.ts";

type Edit = { at: number; kind: "set" | "insert" | "delete" | "repeat" | "cut"; value: number; length: number };

const edits = fc.array(
  fc.record<Edit>({
    at: fc.nat(1 << 20),
    kind: fc.constantFrom("set", "set", "insert", "delete", "repeat", "cut"),
    value: fc.integer({ min: 0, max: 255 }),
    length: fc.integer({ min: 1, max: 40 }),
  }),
  { minLength: 1, maxLength: 4 },
);

/** One of the seeds with one to four edits. */
export function mutatedBytes(...seeds: Uint8Array[]): fc.Arbitrary<Uint8Array> {
  return fc.tuple(fc.constantFrom(...seeds), edits).map(([seed, list]) => new Uint8Array(apply([...seed], list)));
}

/** As `mutatedBytes`, on characters; some of the edits bring control and non-ASCII characters in. */
export function mutatedText(...seeds: string[]): fc.Arbitrary<string> {
  return fc.tuple(fc.constantFrom(...seeds), edits).map(([seed, list]) =>
    apply(
      [...seed].map((character) => character.charCodeAt(0)),
      list,
    )
      .map((code) => String.fromCharCode(code))
      .join(""),
  );
}

function apply(items: number[], list: readonly Edit[]): number[] {
  let result = items;
  for (const { at, kind, value, length } of list) {
    const index = at % (result.length + 1);
    const before = result.slice(0, index);
    const after = result.slice(index);
    if (kind === "set") result = [...before, value, ...after.slice(1)];
    else if (kind === "insert") result = [...before, ...Array<number>(length).fill(value), ...after];
    else if (kind === "delete") result = [...before, ...after.slice(length)];
    else if (kind === "repeat") result = [...before, ...after.slice(0, length), ...after];
    else result = before;
  }
  return result;
}

/** Longest time one input may take, milliseconds: a hang, not a measurement. */
const watchdogMs = 1000;
const inputsInAll = 10_000;
/** What parsers may set up once, and tables of strings, before memory is compared. */
const warmUp = 3_000;
/** Bytes. A parser that kept a tenth of a kilobyte of each input would exceed it. */
const growthLimit = 1 << 20;

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

function bytesInUse(): number {
  // The first run only marks array buffers; their bytes are counted until the second.
  collectGarbage();
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/**
 * Asserts for 10,000 inputs that `parse` either answers or throws a declared error, none slower than a watchdog, and that it
 * keeps nothing of them.
 *
 * @param refuses true for an answer that says no without throwing
 */
export function assertSurvives<Input, Output>(
  inputs: fc.Arbitrary<Input>,
  parse: (input: Input) => Output,
  refuses: (output: Output) => boolean = () => false,
): void {
  let refused = 0;
  let seen = 0;
  let before = 0;
  const property = fc.property(inputs, (input) => {
    if (seen++ === warmUp) before = bytesInUse();
    const start = performance.now();
    try {
      if (refuses(parse(input))) refused += 1;
    } catch (error) {
      assert.ok(error instanceof LateenError, `not a declared error: ${String(error)}`);
      refused += 1;
    }
    assert.ok(performance.now() - start < watchdogMs, "took longer than a second");
  });
  fc.assert(property, { numRuns: inputsInAll });
  const growth = bytesInUse() - before;
  assert.equal(seen, inputsInAll);
  assert.ok(refused > 1000, `only ${refused} inputs were refused: the damage is too small to prove anything`);
  assert.ok(refused < inputsInAll, "every input was refused: the seeds are not valid");
  assert.ok(growth < growthLimit, `${growth} bytes more are in use after ${inputsInAll - warmUp} inputs`);
}
