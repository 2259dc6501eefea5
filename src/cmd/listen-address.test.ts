import assert from "node:assert/strict";
import { test } from "node:test";
import { addressesOf, formatHostPort, reachableHost } from "./listen-address.ts";

test("an IPv6 address stands in brackets before a port", () => {
  assert.equal(formatHostPort("::", 15012), "[::]:15012");
  assert.equal(formatHostPort("10.0.0.5", 15012), "10.0.0.5:15012");
  assert.equal(formatHostPort("mesh.example.com", 1), "mesh.example.com:1");
});

test("nobody connects to the address that stands for all", () => {
  assert.equal(reachableHost("10.0.0.5", ["mesh.example.com"]), "10.0.0.5");
  for (const all of ["0.0.0.0", "::"]) {
    assert.equal(reachableHost(all, ["mesh.example.com", "10.0.0.5"]), "mesh.example.com");
    assert.equal(reachableHost(all, []), undefined);
    assert.deepEqual(addressesOf(all, "10.0.0.5"), ["10.0.0.5"]);
  }
});
