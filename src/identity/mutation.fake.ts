// Damaged inputs for parsers: a good one with a few random edits, and the proof that a parser survives them.
import assert from "node:assert/strict";
import fc from "fast-check";
import { LateenError } from "../kernel/error.ts";

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

/** Asserts that `parse` either answers or throws a declared error, for 10,000 inputs. */
export function assertSurvives<T>(inputs: fc.Arbitrary<T>, parse: (input: T) => unknown): void {
  let accepted = 0;
  let refused = 0;
  fc.assert(
    fc.property(inputs, (input) => {
      const start = performance.now();
      try {
        parse(input);
        accepted += 1;
      } catch (error) {
        assert.ok(error instanceof LateenError, `not a declared error: ${String(error)}`);
        refused += 1;
      }
      assert.ok(performance.now() - start < watchdogMs, "took longer than a second");
    }),
    { numRuns: 10_000 },
  );
  assert.equal(accepted + refused, 10_000);
  assert.ok(refused > 1000, `only ${refused} inputs were refused: the damage is too small to prove anything`);
}
