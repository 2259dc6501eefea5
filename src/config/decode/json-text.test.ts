import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeJsonText } from "./json-text.ts";

function decodedValue(text: string): unknown {
  const decoded = decodeJsonText(text);
  assert.ok(!("faults" in decoded), JSON.stringify(decoded));
  return decoded[0]?.value;
}

function messageOf(text: string): string {
  const decoded = decodeJsonText(text);
  assert.ok("faults" in decoded, `accepted ${text.slice(0, 50)}`);
  return decoded.faults[0]?.message ?? "";
}

/** What decoding makes of a value: members that are null are left out. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, member]) => member !== null)
      .map(([name, member]) => [name, withoutNulls(member)]),
  );
}

test("whatever JSON.stringify writes is read back, without members that are null", () => {
  const key = fc.string({ unit: "grapheme" }).filter((name) => name !== "__proto__" && !name.includes("\0"));
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { maxDepth: 5 },
      fc.constant(null),
      fc.boolean(),
      fc.double({ noNaN: true, noDefaultInfinity: true }).filter((number) => !Object.is(number, -0)),
      fc.string({ unit: "grapheme" }).filter((text) => !text.includes("\0")),
      fc.array(tie("any"), { maxLength: 5 }),
      fc.dictionary(key, tie("any"), { maxKeys: 5, noNullPrototype: true }),
    ),
  })).any;
  fc.assert(
    fc.property(value, fc.constantFrom(0, 2), (plain, indent) => {
      assert.deepEqual(decodedValue(JSON.stringify(plain, undefined, indent)), withoutNulls(plain));
    }),
    { numRuns: 500 },
  );
});

test("what JSON.parse refuses is refused, and any text gets an answer", () => {
  const piece = fc.constantFrom(
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    '"',
    "\\",
    "\\u",
    "1",
    "-",
    ".5",
    "e9",
    "tru",
    "true",
    " ",
  );
  fc.assert(
    fc.property(fc.array(piece, { minLength: 1, maxLength: 12 }), (pieces) => {
      const text = pieces.join("");
      let fine = true;
      try {
        JSON.parse(text);
      } catch {
        fine = false;
      }
      const decoded = decodeJsonText(text);
      if (fine) assert.ok(!("faults" in decoded) || /twice|NUL|surrogate|large/.test(decoded.faults[0]?.message ?? ""));
      else assert.ok("faults" in decoded || decoded.length > 1, `accepted ${text}`);
    }),
    { numRuns: 5000 },
  );
});

test("values may follow each other", () => {
  const decoded = decodeJsonText('{"a":1}{"b":2}\n\n{"c":3}');
  assert.ok(!("faults" in decoded));
  assert.deepEqual(
    decoded.map((text) => [text.value, text.lineAt([])]),
    [
      [{ a: 1 }, 1],
      [{ b: 2 }, 1],
      [{ c: 3 }, 3],
    ],
  );
});

test("lines are known for keys and items, also of members that are null", () => {
  const decoded = decodeJsonText('{\n "a": [\n  1,\n  {"b": null,\n   "c": 2}\n ]\n}', 10);
  assert.ok(!("faults" in decoded));
  const lineAt = (...path: (string | number)[]) => decoded[0]?.lineAt(path);
  assert.equal(lineAt("a"), 11);
  assert.equal(lineAt("a", 0), 12);
  assert.equal(lineAt("a", 1, "b"), 13);
  assert.equal(lineAt("a", 1, "c"), 14);
  assert.equal(lineAt("a", 1, "missing", "more"), 13);
  assert.equal(lineAt("missing"), 10);
});

test("hostile texts are refused with a reason", () => {
  assert.match(messageOf('{"a":1,"a":2}'), /"a" is given twice/);
  assert.match(messageOf('{"a":1,"\\u0061":2}'), /"a" is given twice/);
  assert.match(messageOf('{"__proto__":{}}'), /__proto__/);
  assert.match(messageOf("[".repeat(100_000)), /deeper than 64/);
  assert.match(messageOf('{"a":'.repeat(100_000)), /deeper than 64/);
  assert.match(messageOf("1e999"), /too large/);
  assert.match(messageOf('"\\ud800"'), /surrogate/);
  assert.match(messageOf('"a\\u0000"'), /NUL/);
  assert.match(messageOf('"a\nb"'), /control character/);
  assert.match(messageOf('{"a":"\\q"}'), /escape/);
  assert.match(messageOf('{"a'), /not closed/);
  assert.match(messageOf('{"a":1'), /expected ',' or '}', the text ends/);
  assert.match(messageOf(""), /expected a value, the text ends/);
});

test("constructor is a key like any other", () => {
  const value = decodedValue('{"constructor": {"prototype": 1}}');
  assert.deepEqual(Object.keys(value as object), ["constructor"]);
  assert.equal(Object.getPrototypeOf(value), Object.prototype);
});
