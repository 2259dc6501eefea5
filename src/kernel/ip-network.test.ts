import assert from "node:assert/strict";
import { test } from "node:test";
import { networkOf } from "./ip-network.ts";

test("an IPv4 address is one sender in both spellings, an IPv6 network of 64 bits is one", () => {
  assert.equal(networkOf("192.0.2.1"), "192.0.2.1");
  assert.equal(networkOf("::ffff:192.0.2.1"), "192.0.2.1");
  assert.equal(networkOf("2001:0db8:0:1:ffff::9"), networkOf("2001:db8:0:1::1"));
  assert.notEqual(networkOf("2001:db8:0:1::1"), networkOf("2001:db8:0:2::1"));
  assert.equal(networkOf("nonsense"), "nonsense");
});
