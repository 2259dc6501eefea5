import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import {
  type NameTable,
  NameTable_NameInfoSchema,
  NameTableSchema,
} from "../../../gen/istio/networking/nds/v1/nds_pb.ts";
import { formatIp } from "../../kernel/ip-address.ts";
import { fakeLog } from "../../kernel/log.fake.ts";
import { compileNameTable } from "./name-table.ts";
import { NameTableHolder } from "./name-table-holder.ts";

type Info = { ips: string[]; shortname?: string; namespace?: string; registry?: string; altHosts?: string[] };

function tableOf(hosts: Record<string, Info>): NameTable {
  const table: NameTable["table"] = {};
  for (const [host, info] of Object.entries(hosts)) table[host] = create(NameTable_NameInfoSchema, info);
  return create(NameTableSchema, { table });
}

const options = { namespace: "shop", domainSuffix: "cluster.local" };

const lookup = compileNameTable(
  tableOf({
    "Reviews.shop.svc.cluster.local": { ips: ["10.0.0.1", "fd00::1"], shortname: "reviews", namespace: "shop" },
    "ratings.prod.svc.cluster.local": { ips: ["10.0.0.2"], shortname: "ratings", namespace: "prod" },
    "db-0.db.shop.svc.cluster.local": { ips: ["10.0.0.3"], shortname: "db-0.db", namespace: "shop" },
    "plain.shop.svc.cluster.local": { ips: ["10.0.0.4"] },
    "api.example.com": { ips: ["240.240.0.1", "not an address", "2001:2::1"], registry: "ServiceEntry" },
    "*.example.com": { ips: ["240.240.0.2"] },
    "*.deep.example.com": { ips: ["240.240.0.3"] },
    "old.example.org": { ips: ["240.240.0.4"], altHosts: ["older.example.org"] },
    "bad host": { ips: ["10.0.0.9"] },
    "*": { ips: ["10.0.0.9"] },
  }),
  options,
);

function exact(name: string): string[] | undefined {
  const found = lookup.findExact(name);
  return found === undefined ? undefined : [...found.ipv4, ...found.ipv6].map(formatIp);
}

test("a host is found by its full name, whatever the case it was sent in", () => {
  assert.deepEqual(exact("reviews.shop.svc.cluster.local"), ["10.0.0.1", "fd00::1"]);
  assert.equal(lookup.findExact("reviews.shop.svc.cluster.local")?.host, "reviews.shop.svc.cluster.local");
});

test("short forms: inside the own namespace, with the namespace, with svc", () => {
  for (const name of ["reviews", "reviews.shop", "reviews.shop.svc"]) assert.ok(exact(name), name);
  for (const name of ["ratings.prod", "ratings.prod.svc"]) assert.deepEqual(exact(name), ["10.0.0.2"], name);
  assert.equal(exact("ratings"), undefined, "another namespace");
  assert.deepEqual(exact("db-0.db"), ["10.0.0.3"]);
  assert.deepEqual(exact("db-0.db.shop.svc"), ["10.0.0.3"]);
});

test("an entry without shortname has no short forms", () => {
  assert.ok(exact("plain.shop.svc.cluster.local"));
  for (const name of ["plain", "plain.shop", "plain.shop.svc"]) assert.equal(exact(name), undefined, name);
  for (const name of ["svc", "shop", "shop.svc", "svc.cluster.local", "cluster.local", ""]) {
    assert.equal(exact(name), undefined, name);
  }
});

test("addresses that are none are left out", () => {
  assert.deepEqual(exact("api.example.com"), ["240.240.0.1", "2001:2::1"]);
});

test("the wildcard with the longest suffix wins, and does not hold its own suffix", () => {
  const wildcard = (name: string): string | undefined => lookup.findWildcard(name)?.host;
  assert.equal(wildcard("www.example.com"), "*.example.com");
  assert.equal(wildcard("a.b.example.com"), "*.example.com");
  assert.equal(wildcard("a.deep.example.com"), "*.deep.example.com");
  assert.equal(wildcard("deep.example.com"), "*.example.com");
  assert.equal(wildcard("example.com"), undefined);
  assert.equal(wildcard("example.org"), undefined);
});

test("other host names of an entry are answered too", () => {
  assert.deepEqual(exact("older.example.org"), ["240.240.0.4"]);
});

test("what is no host name is left out and counted", () => {
  assert.equal(lookup.size, 8);
  assert.equal(lookup.skipped, 2);
});

test("D7: two owners of one name: the result does not depend on the order", () => {
  const hosts: [string, Info][] = [
    ["b.example", { ips: ["10.0.0.2"], altHosts: ["shared"] }],
    ["a.example", { ips: ["10.0.0.1"], altHosts: ["shared"] }],
    ["c.example", { ips: ["10.0.0.3"], altHosts: ["shared"], registry: "Kubernetes" }],
  ];
  for (const order of [hosts, [...hosts].reverse()]) {
    const found = compileNameTable(tableOf(Object.fromEntries(order)), options).findExact("shared");
    assert.equal(found?.host, "c.example");
  }
});

test("D7: a table of 100,000 names is accepted, one over the limit is refused, an empty one is not put in force", () => {
  const { log, lines } = fakeLog();
  const holder = new NameTableHolder(log);
  const large = (count: number): NameTable =>
    tableOf(Object.fromEntries(Array.from({ length: count }, (_, i) => [`s${i}.shop.svc.cluster.local`, { ips: [] }])));
  assert.equal(holder.current(), undefined);
  assert.equal(holder.update(tableOf({}), options), false);
  assert.equal(holder.current(), undefined);
  assert.equal(holder.update(large(100_000), options), true);
  const present = holder.current();
  assert.equal(present?.size, 100_000);
  assert.equal(holder.update(tableOf({}), options), false);
  assert.equal(holder.update(large(262_145), options), false);
  assert.equal(holder.current(), present);
  assert.ok(lines.some((line) => /262145 names/.test(String(line["error"]))));
});
