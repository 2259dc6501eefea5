import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LateenError } from "../../kernel/error.ts";
import { formatControlPlaneAddress, parseControlPlaneAddress } from "./control-plane-address.ts";

test("the port is Istio's unless it is written", () => {
  assert.deepEqual(parseControlPlaneAddress("https://cp.example"), { host: "cp.example", port: 15012 });
  assert.deepEqual(parseControlPlaneAddress("https://CP.example:443/"), { host: "cp.example", port: 443 });
  assert.deepEqual(parseControlPlaneAddress("https://10.0.0.1:15012"), { host: "10.0.0.1", port: 15012 });
  assert.deepEqual(parseControlPlaneAddress("https://[fd00::1]:1"), { host: "fd00::1", port: 1 });
});

test("everything else is refused with a word on how to write it", () => {
  const wrong = [
    "",
    "cp:15012",
    "http://cp",
    "https://",
    "https://:1",
    "https://cp:0",
    "https://cp:65536",
    "https://cp/x",
  ];
  wrong.push(
    "https://u:p@cp",
    "https://cp?x",
    "https://cp#x",
    "https://cp:1:2",
    "https://[cp]",
    "https://[::1",
    "https://::1",
  );
  wrong.push(
    "https://a b",
    "https://-a",
    "https://a..b",
    `https://${"a".repeat(600)}`,
    "https://[fe80::1%eth0]",
    " https://cp",
  );
  for (const text of wrong) {
    assert.throws(
      () => parseControlPlaneAddress(text),
      (error) => error instanceof LateenError && error.code === "LAT3302",
      text,
    );
  }
});

test("an address that was read is written and read again alike; nothing else than our error is thrown", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.webUrl(),
        fc.string().map((text) => `https://${text}`),
      ),
      (text) => {
        try {
          const address = parseControlPlaneAddress(text);
          assert.deepEqual(parseControlPlaneAddress(formatControlPlaneAddress(address)), address);
        } catch (error) {
          assert.ok(error instanceof LateenError, String(error));
        }
      },
    ),
    { numRuns: 10_000 },
  );
});
