// Addresses of services and machines, however they are spelled and whoever else states them.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fromBinary } from "@bufbuild/protobuf";
import { RouteConfigurationSchema } from "../../gen/envoy/config/route/v3/route_pb.ts";
import { typeUrls } from "../../src/xds/type-url.ts";
import { type Machine, machine, meshOf, object, service, shares, transports, workload } from "./mesh-world.fake.ts";

const http = "[{number: 80, name: http, protocol: HTTP}]";
const tcp = "[{number: 5432, name: tcp, protocol: TCP}]";
const ipv6 = { ip: "2001:db8::99" };

/** A service at an address. */
function at(host: string, address: string, ports: string, namespace = "shop"): string {
  const name = host.replaceAll(".", "-");
  const spec = `{hosts: [${host}], addresses: ['${address}'], resolution: NONE, ports: ${ports}}`;
  return object("ServiceEntry", name, spec, namespace);
}

/** Domains of each virtual host of a port. */
function domains({ view }: Machine, port: number): Record<string, string[]> {
  const routes = [...view.resources(typeUrls.route).values()].find(({ name }) => name === String(port));
  assert.ok(routes !== undefined);
  const { virtualHosts } = fromBinary(RouteConfigurationSchema, routes.body);
  return Object.fromEntries(virtualHosts.map((host) => [host.name, host.domains]));
}

describe("spellings of one IPv6 address", () => {
  for (const spelling of ["2001:DB8::1", "2001:db8:0:0::1", "2001:0db8::0001", "2001:db8::1/128"]) {
    it(`are one: ${spelling}`, () => {
      const one = at("a.example.com", spelling, http);
      const front = machine(meshOf(one), ipv6);
      assert.ok(domains(front, 80)["a.example.com:80"]?.includes("[2001:db8::1]"));

      const two = one + at("b.example.com", "2001:db8::1", http, "lobby");
      const all = Object.values(domains(machine(meshOf(two), ipv6), 80)).flat();
      assert.equal(new Set(all).size, all.length, "Envoy refuses a domain that two virtual hosts have");
      assert.ok(all.includes("[2001:db8::1]"));
    });

    it(`are one listener: ${spelling}`, () => {
      const two = at("a.example.com", spelling, tcp) + at("b.example.com", "2001:db8::1", tcp);
      const names = [...machine(meshOf(two), ipv6).view.resources(typeUrls.listener).values()].map(({ name }) => name);
      assert.deepEqual(
        names.filter((name) => name.endsWith("_5432")),
        ["2001:db8::1_5432"],
      );
    });
  }

  it("are one machine, whether its entry, its inline endpoint or its node spells it so", () => {
    const selected = service("m", http) + workload("m-1", "2001:DB8:0::5", "{app: m}", { more: "ports: {http: 8081}" });
    const written = object(
      "ServiceEntry",
      "m",
      `{hosts: [m.example.com], resolution: STATIC, ports: ${http}, endpoints: [{address: '2001:DB8:0::5', ports: {http: 8081}}]}`,
    );
    for (const objects of [selected, written]) {
      for (const ip of ["2001:db8::5", "2001:DB8:0:0::5"]) {
        const { filterChain } = machine(meshOf(objects), { name: "m-1", ip, labels: {} }).receive({
          port: 8081,
          transport: { kind: "raw_buffer" },
          request: { method: "GET", path: "/", authority: "m" },
        });
        assert.equal(filterChain, "0.0.0.0_8081", ip);
      }
      const host = objects === selected ? "m" : "m.example.com";
      const call = machine(meshOf(objects), ipv6).http(`http://${host}/`);
      assert.deepEqual(Object.keys(transports(call)), ["2001:db8::5:8081"]);
    }
  });
});

describe("a block of one address", () => {
  it("is that address", () => {
    const front = machine(
      meshOf(at("a.example.com", "203.0.113.7/32", http) + at("b.example.com", "203.0.113.8/32", tcp)),
    );
    assert.deepEqual(shares(front.http("http://203.0.113.7/")), { "outbound|80||a.example.com": 100 });
    assert.deepEqual(shares(front.tcp("203.0.113.8:5432")), { "outbound|5432||b.example.com": 100 });
  });
});

describe("an address that two services state", () => {
  const born = (objects: string, day: number) =>
    objects.replace("metadata: {", `metadata: {creationTimestamp: '2026-01-0${day}T00:00:00Z', `);

  for (const [ours, theirs] of [
    ["a.example.com", "b.example.com"],
    ["b.example.com", "a.example.com"],
  ] as const) {
    it(`is the older one's for third parties, for HTTP as for TCP: ${ours} before ${theirs}`, () => {
      const both = "[{number: 80, name: http, protocol: HTTP}, {number: 5432, name: tcp, protocol: TCP}]";
      const objects = born(at(ours, "10.9.9.9", both), 1) + born(at(theirs, "10.9.9.9", both, "lobby"), 2);
      for (const namespace of ["shop", "lobby", "third"]) {
        const front = machine(meshOf(objects), { namespace });
        // Whatever others state, a namespace's callers reach what it states itself.
        const owner = namespace === "lobby" ? theirs : ours;
        assert.deepEqual(shares(front.http("http://10.9.9.9/")), { [`outbound|80||${owner}`]: 100 });
        assert.deepEqual(shares(front.tcp("10.9.9.9:5432")), { [`outbound|5432||${owner}`]: 100 });
        const byName = front.http("http://10.9.9.9/", { headers: { host: theirs } });
        assert.deepEqual(shares(byName), { [`outbound|80||${theirs}`]: 100 });
      }
    });
  }

  it("changes hands when the older one's object is made anew", () => {
    const [a, b] = ["a.example.com", "b.example.com"].map((host) => at(host, "10.9.9.9", http)) as [string, string];
    const rig = meshOf(born(a, 2) + born(b, 3));
    const front = machine(rig, { namespace: "third" });
    assert.deepEqual(shares(front.http("http://10.9.9.9/")), { "outbound|80||a.example.com": 100 });
    const [key, config] =
      [...rig.configs.entries()].find(
        ([
          ,
          {
            key: { name },
          },
        ]) => name === "a-example-com",
      ) ?? [];
    assert.ok(key !== undefined && config !== undefined);
    rig.put({ ...config, meta: { ...config.meta, creationTimestamp: "2026-01-09T00:00:00Z" } });
    assert.deepEqual(shares(front.http("http://10.9.9.9/")), { "outbound|80||b.example.com": 100 });
  });
});
