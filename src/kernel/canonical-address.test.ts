import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { canonicalAddress } from "./canonical-address.ts";
import { parseIp } from "./ip-address.ts";

test("addresses and blocks have one spelling", () => {
  for (const [text, spelling] of [
    ["10.0.0.1", "10.0.0.1"],
    ["2001:DB8::1", "2001:db8::1"],
    ["2001:db8:0:0::1", "2001:db8::1"],
    ["2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1"],
    ["::ffff:10.0.0.1", "::ffff:a00:1"],
    ["10.1.2.3/8", "10.0.0.0/8"],
    ["2001:DB8:0::9/32", "2001:db8::/32"],
    ["10.0.0.1/32", "10.0.0.1"],
    ["2001:DB8::1/128", "2001:db8::1"],
  ] as const) {
    assert.equal(canonicalAddress(text), spelling, text);
  }
});

test("other texts stay as they are", () => {
  for (const text of ["", "api.Example.com", "unix:///run/S", "10.0.0.1/33", "fe80::1%eth0", "10.0.0.01"]) {
    assert.equal(canonicalAddress(text), text);
  }
});

test("two spellings become one exactly where they mean one address", () => {
  fc.assert(
    fc.property(fc.ipV6(), fc.ipV6(), (a, b) => {
      const same = parseIp(a)?.join() === parseIp(b)?.join();
      assert.equal(canonicalAddress(a) === canonicalAddress(b), same);
      assert.deepEqual(parseIp(canonicalAddress(a)), parseIp(a));
      assert.equal(canonicalAddress(a.toUpperCase()), canonicalAddress(a));
    }),
  );
});
