import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { assertSurvives, mutatedText } from "../kernel/mutation.fake.ts";
import { decodePem, encodePem } from "./pem.ts";

const block = encodePem("CERTIFICATE", new Uint8Array(100).fill(7));

test("any bytes survive a round trip", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), (bytes) => {
      const text = encodePem("CERTIFICATE", bytes);
      assert.deepEqual(decodePem("CERTIFICATE", text), [bytes]);
      assert.ok(text.endsWith("-----END CERTIFICATE-----\n"));
      assert.ok(text.split("\n").every((line) => line.length <= 64));
    }),
  );
});

test("several blocks are read in order, and no more than allowed", () => {
  const text = encodePem("CERTIFICATE", new Uint8Array([1])) + encodePem("CERTIFICATE", new Uint8Array([2]));
  assert.deepEqual(decodePem("CERTIFICATE", text, { blocks: 2 }), [new Uint8Array([1]), new Uint8Array([2])]);
  assert.throws(() => decodePem("CERTIFICATE", text), { code: "LAT3003", message: /more than 1 PEM block$/ });
});

test("C6: what is not exactly the expected PEM is refused", () => {
  const wrong: Record<string, string> = {
    empty: "",
    "other label": block.replaceAll("CERTIFICATE", "PRIVATE KEY"),
    "carriage returns": block.replaceAll("\n", "\r\n"),
    "UTF-16": [...block].join("\0"),
    "byte order mark": `\ufeff${block}`,
    "text before": `subject=x\n${block}`,
    "text after": `${block}trailing`,
    "no end": block.slice(0, 60),
    "end of another label": block.replace("END CERTIFICATE", "END PRIVATE KEY"),
    headers: block.replace("-----\n", "-----\nProc-Type: 4,ENCRYPTED\n\n"),
    "blank line inside": block.replace("BwcH", "Bw\n\ncH"),
    "no content": "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
    "padding inside": "-----BEGIN CERTIFICATE-----\nAQ==\nAQ==\n-----END CERTIFICATE-----\n",
    "padding bits": "-----BEGIN CERTIFICATE-----\nAR==\n-----END CERTIFICATE-----\n",
    base64url: "-----BEGIN CERTIFICATE-----\n_-_-\n-----END CERTIFICATE-----\n",
    "100k blocks": block.repeat(100_000),
    "a long line": `-----BEGIN CERTIFICATE-----\n${"A".repeat(128)}\n-----END CERTIFICATE-----\n`,
  };
  for (const [name, text] of Object.entries(wrong)) {
    assert.throws(() => decodePem("CERTIFICATE", text, { blocks: 500 }), { code: "LAT3003" }, name);
  }
});

test("the limit on length holds at the limit and one above", () => {
  assert.equal(decodePem("CERTIFICATE", block, { length: block.length }).length, 1);
  assert.throws(() => decodePem("CERTIFICATE", block, { length: block.length - 1 }), { code: "LAT3003" });
});

test("10,000 damaged texts are read or refused", () => {
  assertSurvives(mutatedText(block, block + block), (text) => decodePem("CERTIFICATE", text, { blocks: 3 }));
});

test("a message repeats no line that may be part of a key", () => {
  const key = encodePem("PRIVATE KEY", new Uint8Array(90).fill(7));
  const secret = "BwcHBwcH";
  assert.ok(key.includes(secret));
  for (const text of [key.replace("Bw", "B w"), key.split("\n").slice(1).join("\n"), `\ufeff${key}`]) {
    assert.throws(
      () => decodePem("PRIVATE KEY", text),
      (error: Error) => !error.message.includes(secret) && /^line 1 |^line 2 /.test(error.message),
    );
  }
  assert.throws(() => decodePem("PRIVATE KEY", block), { message: /line 1 is -----BEGIN CERTIFICATE-----, not / });
});
