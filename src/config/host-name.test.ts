import assert from "node:assert/strict";
import { test } from "node:test";
import { isDnsName, isWildcardOrDnsName } from "./host-name.ts";

const long = "a".repeat(63);

test("names that resolvers take are names", () => {
  for (const name of [
    "a",
    "reviews.shop.svc.cluster.local",
    "Example.COM",
    "a.b.",
    "1a.2b.c3",
    "xn--bcher-kva.example",
    long,
  ]) {
    assert.ok(isDnsName(name), name);
  }
});

test("names that would be read as addresses, or not at all, are none", () => {
  for (const name of [
    "",
    ".",
    "a..b",
    ".a",
    "-a.b",
    "a-.b",
    "a_b.c",
    "a b",
    "bücher.example",
    "127.1",
    "2130706433",
    "a.0x7f",
    "1.2.3.4",
    `${long}a`,
    `${`${long}.`.repeat(4)}a`,
    "a/b",
    "a:80",
    "*",
    "*.a",
  ]) {
    assert.ok(!isDnsName(name), name);
  }
});

test("a wildcard may stand for, or start, the first label only", () => {
  for (const host of ["*.example.com", "*-eu.example.com", "example.com"]) assert.ok(isWildcardOrDnsName(host), host);
  for (const host of ["*", "*.", "a.*.com", "*a.com", "*.*.com", "a*.com", "**.com"]) {
    assert.ok(!isWildcardOrDnsName(host), host);
  }
});
