import assert from "node:assert/strict";
import { suite, test } from "node:test";
import fc from "fast-check";
import { base64, base64url, concatBytes, equalBytes, fromBase64, fromUtf8, utf8 } from "./bytes.ts";

suite("bytes", () => {
  test("UTF-8 there and back", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        assert.equal(fromUtf8(utf8(text)), text.startsWith("\uFEFF") ? text.slice(1) : text);
      }),
    );
  });

  for (const [name, bytes] of [
    ["a lone continuation", [0x80]],
    ["an overlong slash", [0xc0, 0xaf]],
    ["a surrogate", [0xed, 0xa0, 0x80]],
    ["a cut sequence", [0xe2, 0x82]],
  ] as const) {
    test(`${name} is not UTF-8`, () => assert.throws(() => fromUtf8(Uint8Array.from(bytes)), TypeError));
  }

  test("base64 and base64url there and back", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        assert.deepEqual(fromBase64(base64(bytes)), bytes);
        assert.deepEqual(fromBase64(base64url(bytes)), bytes);
      }),
    );
  });

  test("a view of a larger buffer is encoded alone", () => {
    const view = new Uint8Array([0, 1, 2, 3, 4]).subarray(1, 3);
    assert.equal(base64(view), "AQI=");
    assert.equal(base64url(view), "AQI");
  });

  for (const text of ["A B=", "AQI=\n", "AQ*I", "AQ=I", "AQI===", "é"]) {
    test(`${JSON.stringify(text)} is not base64`, () => assert.equal(fromBase64(text), undefined));
  }

  for (const text of ["A", "AAAAA", "=", "==", "AQ=", "AQI==", "AAAA="]) {
    test(`${JSON.stringify(text)} has wrong padding or length`, () => {
      assert.equal(fromBase64(text), undefined);
    });
  }

  test("parts are joined in order, into memory of their own", () => {
    const part = Uint8Array.of(1, 2);
    const joined = concatBytes([part, new Uint8Array(0), Uint8Array.of(3)]);
    part[0] = 9;
    assert.deepEqual(joined, Uint8Array.of(1, 2, 3));
    assert.equal(joined.buffer.byteLength, 3);
    assert.deepEqual(concatBytes([]), new Uint8Array(0));
  });

  test("equality is that of the content", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 8 }), fc.uint8Array({ maxLength: 8 }), (a, b) => {
        assert.ok(equalBytes(a, a) && equalBytes(a, Uint8Array.from(a)));
        assert.equal(equalBytes(a, b), a.join() === b.join());
      }),
    );
  });
});
