import assert from "node:assert/strict";
import { test } from "node:test";
import { checkDer, derBitString, derChildren, derSequence } from "./der.ts";

const limits = { bytes: 1 << 20 };
const bytes = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex.replaceAll(" ", ""), "hex"));

test("distinguished encodings pass", () => {
  for (const hex of [
    "0500",
    "30 00",
    "30 06 020101 0101ff",
    "020100",
    "02020080",
    "0201ff",
    "03020780",
    "0603551d0f",
    `0481 80 ${"00".repeat(128)}`,
    "a0 02 0500",
    "31 03 0c0141",
  ]) {
    checkDer(bytes(hex), limits);
  }
});

test("C6: BER, damage and oversize are refused", () => {
  const wrong: Record<string, string> = {
    empty: "",
    "trailing byte": "0500 00",
    "indefinite length": "3080 0500 0000",
    "padded length": "3081 02 0500",
    "padded long length": `048200 80 ${"00".repeat(128)}`,
    "length of four bytes": "0484 00000001 00",
    "beyond the end": "3005 0500",
    "child beyond its parent": "3003 020500 00",
    "cut after the tag": "30",
    "cut in the length": "3082 01",
    "high tag number": "1f2001 00",
    "constructed OCTET STRING": "2402 0400",
    "primitive SEQUENCE": "1000",
    "BOOLEAN 01": "010101",
    "empty INTEGER": "0200",
    "padded INTEGER": "02020001",
    "padded negative INTEGER": "0202ff80",
    "BIT STRING without count": "0300",
    "BIT STRING with count 8": "03020880",
    "BIT STRING with used padding": "03020781",
    "NULL with content": "050100",
    "open OID": "060181",
  };
  for (const [name, hex] of Object.entries(wrong)) {
    assert.throws(() => checkDer(bytes(hex), limits), { code: "LAT3004" }, name);
  }
});

test("depth, number of values and size have limits that hold exactly", () => {
  const nested = (depth: number): Uint8Array => {
    let inner = bytes("0500");
    for (let level = 0; level < depth; level++) inner = new Uint8Array([0x30, inner.length, ...inner]);
    return inner;
  };
  checkDer(nested(16), limits);
  assert.throws(() => checkDer(nested(17), limits), { code: "LAT3004", message: /deeper/ });
  const wide = (count: number): Uint8Array =>
    new Uint8Array([0x30, 0x82, (count * 2) >> 8, (count * 2) & 255, ...Array(count).fill([5, 0]).flat()]);
  checkDer(wide(1999), limits);
  assert.throws(() => checkDer(wide(2000), limits), { code: "LAT3004", message: /many/ });
  checkDer(nested(1), { bytes: 4 });
  assert.throws(() => checkDer(nested(1), { bytes: 3 }), { code: "LAT3004" });
});

test("a depth of 10,000 does not exhaust the stack", () => {
  let inner = Buffer.from([5, 0]);
  for (let level = 0; level < 10_000; level++) {
    const length = inner.length;
    const head =
      length < 128 ? [0x30, length] : length < 256 ? [0x30, 0x81, length] : [0x30, 0x82, length >> 8, length & 255];
    inner = Buffer.concat([Buffer.from(head), inner]);
    if (inner.length > 60_000) break;
  }
  assert.throws(() => checkDer(new Uint8Array(inner), limits), { code: "LAT3004" });
});

test("children of a sequence", () => {
  assert.deepEqual(
    derChildren(bytes("3006 020105 0101ff")).map((child) => [child.tag, ...child.content]),
    [
      [2, 5],
      [1, 255],
    ],
  );
  assert.throws(() => derChildren(bytes("020105")), { code: "LAT3004" });
});

test("what is written passes the check, at every size of the length", () => {
  for (const size of [0, 1, 125, 126, 127, 128, 253, 254, 255, 256, 65_534, 65_535, 65_536, 100_000]) {
    const written = derSequence(derBitString(new Uint8Array(size).fill(7)));
    checkDer(written, limits);
    assert.equal(derChildren(written)[0]?.content.length, size + 1, String(size));
  }
});
