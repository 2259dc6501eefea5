import assert from "node:assert/strict";
import { test } from "node:test";
import { parseIp } from "../kernel/ip-address.ts";
import { type AddressScope, addressScope, parseCidrRange } from "./ip-address.ts";

const scopes: [string, AddressScope][] = [
  ["10.0.0.1", "ordinary"],
  ["100.64.0.1", "ordinary"],
  ["2001:db8::1", "ordinary"],
  ["0.0.0.0", "unspecified"],
  ["0.1.2.3", "unspecified"],
  ["::", "unspecified"],
  ["::ffff:0.0.0.0", "unspecified"],
  ["127.0.0.1", "loopback"],
  ["127.255.255.254", "loopback"],
  ["::1", "loopback"],
  ["::ffff:127.0.0.1", "loopback"],
  ["::ffff:7f00:1", "loopback"],
  ["169.254.1.1", "link-local"],
  ["fe80::1", "link-local"],
  ["febf::1", "link-local"],
  ["fec0::1", "ordinary"],
  ["169.254.169.254", "metadata"],
  ["::ffff:169.254.169.254", "metadata"],
  ["0:0:0:0:0:ffff:a9fe:a9fe", "metadata"],
  ["fd00:ec2::254", "metadata"],
  ["224.0.0.1", "multicast"],
  ["239.255.255.255", "multicast"],
  ["ff02::1", "multicast"],
  ["255.255.255.255", "broadcast"],
];

for (const [text, scope] of scopes) {
  test(`${text} is ${scope}`, () => {
    const bytes = parseIp(text);
    assert.ok(bytes !== undefined);
    assert.equal(addressScope(bytes), scope);
  });
}

test("other spellings of addresses are none", () => {
  for (const text of [
    "",
    "1.2.3",
    "01.2.3.4",
    "1.2.3.256",
    "0x7f.1",
    "2130706433",
    "fe80::1%eth0",
    "1::2::3",
    "::g",
    "[::1]",
  ]) {
    assert.equal(parseIp(text), undefined, text);
  }
});

test("a range needs its prefix", () => {
  assert.equal(parseCidrRange("10.1.2.3/8")?.prefix, 8);
  for (const text of ["10.0.0.0", "10.0.0.0/33", "10.0.0.0/", "::/129", "10.0.0.0/08", "/8"]) {
    assert.equal(parseCidrRange(text), undefined, text);
  }
});
