import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { encodeName, isWithin, normalizeName, readName } from "./dns-name.ts";

/** A name after twelve bytes of header. */
function message(...bytes: number[]): Uint8Array {
  return Uint8Array.from([...new Array<number>(12).fill(0), ...bytes]);
}

const label = fc.stringMatching(/^[A-Za-z0-9_-]{1,20}$/);
const names = fc.array(label, { minLength: 1, maxLength: 10 }).map((labels) => labels.join("."));

test("names survive the wire, in lower case", () => {
  fc.assert(
    fc.property(names, (name) => {
      const wire = encodeName(name);
      assert.ok(wire !== undefined);
      assert.deepEqual(readName(message(...wire), 12), { name: name.toLowerCase(), end: 12 + wire.length });
    }),
  );
});

test("labels of any bytes stay apart from each other", () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ minLength: 1, maxLength: 20 }), { minLength: 1, maxLength: 6 }),
      fc.array(fc.uint8Array({ minLength: 1, maxLength: 20 }), { minLength: 1, maxLength: 6 }),
      (a, b) => {
        const lower = (labels: Uint8Array[]): string =>
          JSON.stringify(
            labels.map((bytes) => [...bytes].map((byte) => (byte >= 65 && byte <= 90 ? byte + 32 : byte))),
          );
        const read = (labels: Uint8Array[]): string | undefined =>
          readName(message(...labels.flatMap((bytes) => [bytes.length, ...bytes]), 0), 12)?.name;
        assert.equal(read(a) === read(b), lower(a) === lower(b));
        assert.match(read(a) ?? "", /^[a-z0-9_.\\-]+$/);
      },
    ),
  );
});

test("D2: pointers may only lead back, and not into the header", () => {
  // "a" at 12, then a name "b" + pointer to it.
  assert.deepEqual(readName(message(1, 97, 0, 1, 98, 0xc0, 12), 15), { name: "b.a", end: 19 });
  assert.equal(readName(message(0xc0, 12), 12), undefined, "to itself");
  assert.equal(readName(message(1, 97, 0xc0, 12), 12), undefined, "a loop");
  assert.equal(readName(message(0xc0, 14, 0), 12), undefined, "forwards");
  assert.equal(readName(message(0xc0, 4), 12), undefined, "into the header");
  assert.equal(readName(message(0xc0), 12), undefined, "half a pointer");
  assert.equal(readName(message(0xc0, 200), 12), undefined, "past the end");
  assert.equal(readName(message(0x40, 0), 12), undefined, "a reserved label type");
  assert.equal(readName(message(3, 97, 97), 12), undefined, "a label past the end");
});

test("D2: a ladder of pointers is not climbed", () => {
  const ladder = message(
    1,
    97,
    0,
    ...Array.from({ length: 40 }, (_, i) => [0xc0, 15 + 2 * i - (i === 0 ? 3 : 2)]).flat(),
  );
  assert.deepEqual(readName(ladder, 15 + 2 * 10)?.name, "a");
  assert.equal(readName(ladder, 15 + 2 * 39), undefined);
});

test("D2: 255 bytes are a name, 256 are not", () => {
  const wire = (last: number): number[] => [
    ...[63, 63, 63, last].flatMap((size) => [size, ...new Array<number>(size).fill(97)]),
    0,
  ];
  assert.equal(wire(61).length, 255);
  assert.equal(readName(message(...wire(61)), 12)?.name.length, 253);
  assert.equal(readName(message(...wire(62)), 12), undefined);
  assert.equal(encodeName([63, 63, 63, 61].map((size) => "a".repeat(size)).join("."))?.length, 255);
  assert.equal(encodeName([63, 63, 63, 62].map((size) => "a".repeat(size)).join(".")), undefined);
  assert.equal(encodeName("a".repeat(64)), undefined);
});

test("host names from configuration", () => {
  assert.equal(normalizeName("Reviews.Shop.SVC."), "reviews.shop.svc");
  for (const text of ["", ".", "a..b", "a b", "*.a", "a\\046b", "é.example"]) {
    assert.equal(normalizeName(text), undefined, text);
  }
  assert.equal(isWithin("a.b", "b"), true);
  assert.equal(isWithin("ab", "b"), false);
  assert.equal(isWithin("b", "b"), true);
});
