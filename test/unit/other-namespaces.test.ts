// Names and addresses of one namespace that another claims: each namespace keeps its own.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fromBinary } from "@bufbuild/protobuf";
import { NameTableSchema } from "../../gen/istio/networking/nds/v1/nds_pb.ts";
import { compileNameTable } from "../../src/agent/dns/name-table.ts";
import { typeUrls } from "../../src/xds/type-url.ts";
import { type Machine, machine, meshOf, object, service, shares, transports, workload } from "./mesh-world.fake.ts";

const ports = "[{number: 80, name: http, protocol: HTTP}, {number: 9000, name: tcp, protocol: TCP}]";
/** A service of namespace shop, which is given the first address of the pool. */
const reviews = service("reviews", ports) + workload("reviews-1", "10.0.0.1", "{app: reviews}");
const reviewsHost = "reviews.shop.svc.cluster.local";
const namespaces = ["shop", "lobby", "evil"];

/** What namespace `evil` writes, long before anybody else. */
function evil(host: string, more: string): string {
  const spec = `{hosts: ['${host}'], location: MESH_EXTERNAL, resolution: STATIC, ports: ${ports}, ${more}}`;
  const yaml = object("ServiceEntry", "mine", spec, "evil");
  return yaml.replace("{name: mine,", "{name: mine, creationTimestamp: '1970-01-01T00:00:00Z',");
}

function resolve({ view }: Machine, name: string, namespace: string): string | undefined {
  const [table] = view.resources(typeUrls.nameTable).values();
  assert.ok(table !== undefined);
  const lookup = compileNameTable(fromBinary(NameTableSchema, table.body), {
    namespace,
    domainSuffix: "cluster.local",
  });
  return lookup.findExact(name)?.host;
}

describe("a short name of a service", () => {
  for (const short of ["reviews.shop", "reviews.shop.svc", "Reviews.Shop"]) {
    it(`stays the service's for all but who calls something else so: ${short}`, () => {
      const name = short.toLowerCase();
      const rig = meshOf(reviews + evil(short, "addresses: [203.0.113.66], endpoints: [{address: 203.0.113.66}]"));
      for (const namespace of namespaces) {
        const front = machine(rig, { namespace });
        const expected = namespace === "evil" ? name : reviewsHost;
        assert.equal(resolve(front, name, namespace), expected, namespace);
        const call = front.http("http://240.240.0.1/", { headers: { host: name } });
        assert.deepEqual(shares(call), { [`outbound|80||${expected}`]: 100 }, namespace);
      }
    });
  }

  it("is not taken by a VirtualService for a host that no service has", () => {
    const route = "{hosts: [reviews.shop], http: [{directResponse: {status: 418}}]}";
    const rig = meshOf(reviews + object("VirtualService", "mine", route, "evil"));
    const outcome = (namespace: string) =>
      shares(machine(rig, { namespace }).http("http://240.240.0.1/", { headers: { host: "reviews.shop" } }));
    for (const namespace of ["shop", "lobby"]) {
      assert.deepEqual(outcome(namespace), { [`outbound|80||${reviewsHost}`]: 100 }, namespace);
    }
    assert.deepEqual(outcome("evil"), {});
  });

  it("is free for others where the caller does not see the service", () => {
    const hidden = service("reviews", ports, "exportTo: [.]");
    const rig = meshOf(hidden + evil("reviews.shop", "addresses: [203.0.113.66]"));
    assert.equal(resolve(machine(rig, { namespace: "lobby" }), "reviews.shop", "lobby"), "reviews.shop");
    assert.equal(resolve(machine(rig, { namespace: "shop" }), "reviews.shop", "shop"), reviewsHost);
  });
});

describe("a full name of the mesh", () => {
  for (const host of [reviewsHost, `${reviewsHost}.`]) {
    it(`belongs to the namespace that it tells, however old others' claims are: ${host}`, () => {
      const rig = meshOf(reviews + evil(host, "endpoints: [{address: 203.0.113.66}]"));
      for (const namespace of namespaces) {
        const call = machine(rig, { namespace }).http(`http://${reviewsHost}/`);
        const address = namespace === "evil" ? "203.0.113.66:80" : "10.0.0.1:80";
        assert.deepEqual(Object.keys(transports(call)), [address], namespace);
      }
    });
  }
});

describe("an address that a service was given", () => {
  for (const stated of ["240.240.0.1", "240.240.0.1/32", "240.240.0.0/16"]) {
    it(`stays the service's where another namespace states it: ${stated}`, () => {
      const rig = meshOf(
        reviews + evil("vip.example.com", `addresses: ['${stated}'], endpoints: [{address: 203.0.113.66}]`),
      );
      for (const namespace of ["shop", "lobby"]) {
        const front = machine(rig, { namespace });
        assert.deepEqual(shares(front.tcp("240.240.0.1:9000")), { [`outbound|9000||${reviewsHost}`]: 100 }, namespace);
        assert.deepEqual(
          shares(front.http("http://240.240.0.1/")),
          { [`outbound|80||${reviewsHost}`]: 100 },
          namespace,
        );
      }
    });
  }
});

describe("an address that a service states", () => {
  it("is the service's for callers of its own namespace, however old others' claims are", () => {
    const stated = service("reviews", ports, "addresses: [10.9.9.9]");
    const rig = meshOf(stated + evil("vip.example.com", "addresses: [10.9.9.9], endpoints: [{address: 203.0.113.66}]"));
    const front = machine(rig);
    assert.deepEqual(shares(front.tcp("10.9.9.9:9000")), { [`outbound|9000||${reviewsHost}`]: 100 });
    assert.deepEqual(shares(front.http("http://10.9.9.9/")), { [`outbound|80||${reviewsHost}`]: 100 });
  });
});

describe("an address of an HTTP service", () => {
  const only = (port: number, kind: "HTTP" | "TCP") =>
    `[{number: ${port}, name: ${kind.toLowerCase()}, protocol: ${kind}}]`;
  /** The first of its name has 240.240.0.1. */
  const web = service("reviews", only(9000, "HTTP")) + workload("reviews-1", "10.0.0.1", "{app: reviews}");
  const thief = (more: string, name = "mine") =>
    object(
      "ServiceEntry",
      name,
      `{hosts: [${name}.example.com], resolution: STATIC, ports: ${only(9000, "TCP")}, endpoints: [{address: 203.0.113.66}], ${more}}`,
      "evil",
    );
  const ofReviews = { [`outbound|9000||${reviewsHost}`]: 100 };
  const ofThief = { "outbound|9000||mine.example.com": 100 };

  for (const stated of [
    "240.240.0.1",
    "240.240.0.1/32",
    "240.240.0.0/17",
    "0.0.0.0/1', '128.0.0.0/1",
    "0.0.0.0/0",
    "240.0.0.0/4', '240.240.0.0/24",
  ]) {
    it(`that it was given stays the service's where a TCP service of another namespace states it: ${stated}`, () => {
      const rig = meshOf(web + thief(`addresses: ['${stated}']`));
      for (const namespace of ["shop", "lobby"]) {
        const front = machine(rig, { namespace });
        assert.deepEqual(shares(front.http("http://240.240.0.1:9000/")), ofReviews, namespace);
        assert.deepEqual(shares(front.http(`http://${reviewsHost}:9000/`)), ofReviews, namespace);
        if (stated.includes("/1'")) assert.deepEqual(shares(front.tcp("203.0.113.9:9000")), ofThief, "the rest");
      }
    });
  }

  for (const condition of [
    "destinationSubnets: [240.240.0.0/24]",
    "sourceSubnet: 0.0.0.0/0",
    "sourceSubnet: 198.18.0.0/16",
  ]) {
    it(`is not taken by a condition of another's VirtualService: ${condition}`, () => {
      const tcp = `{hosts: [mine.example.com], tcp: [{match: [{${condition}}], route: [{destination: {host: mine.example.com}}]}]}`;
      const mine = thief("")
        .replace("resolution: STATIC", "resolution: NONE")
        .replace("endpoints: [{address: 203.0.113.66}], ", "");
      const rig = meshOf(web + mine + object("VirtualService", "mine", tcp, "evil"));
      for (const namespace of ["shop", "lobby"]) {
        const front = machine(rig, { namespace });
        assert.deepEqual(shares(front.tcp("240.240.0.1:9000")), {}, "is HTTP");
        assert.deepEqual(shares(front.http("http://240.240.0.1:9000/")), ofReviews, namespace);
      }
    });
  }

  it("that it states is its own namespace's, and the older one's for others", () => {
    const stated = service("reviews", only(9000, "HTTP"), "addresses: [10.9.9.9]");
    const old = thief("addresses: [10.9.9.9]").replace(
      "{name: mine,",
      "{name: mine, creationTimestamp: '2020-01-01T00:00:00Z',",
    );
    for (const [other, namespace, expected] of [
      [old, "shop", ofReviews],
      [old, "lobby", ofThief],
      [thief("addresses: [10.9.9.9]"), "shop", ofReviews],
      // Objects of files are of one age.
      [thief("addresses: [10.9.9.9]").replaceAll("evil", "zevil"), "lobby", ofReviews],
    ] as const) {
      const front = machine(meshOf(stated + other), { namespace });
      const call = expected === ofThief ? front.tcp("10.9.9.9:9000") : front.http("http://10.9.9.9:9000/");
      assert.deepEqual(shares(call), expected, namespace);
    }
  });

  it("goes to whom else states it when the service goes, and comes back with it", () => {
    const rig = meshOf(web + thief("addresses: ['240.240.0.1', '240.240.0.0/24']"));
    const front = machine(rig);
    const call = () => shares(front.http("http://240.240.0.1:9000/"));
    const [key, config] = [...rig.configs.entries()].find(([, { key }]) => key.name === "reviews") ?? [];
    assert.ok(key !== undefined && config !== undefined);
    assert.deepEqual(call(), ofReviews);
    rig.configs.delete(key);
    assert.deepEqual(shares(front.tcp("240.240.0.1:9000")), ofThief);
    rig.put(config);
    assert.deepEqual(call(), ofReviews);
  });
});

describe("a block of the caller's own namespace", () => {
  for (const protocol of ["TCP", "HTTP"]) {
    for (const part of ["10.9.0.5", "10.9.0.0/24", "10.9.0.0/16"]) {
      it(`is not cut by what another namespace states: ${part} of a block for ${protocol}`, () => {
        const ours = service("reviews", `[{number: 9000, name: x, protocol: ${protocol}}]`, "addresses: [10.9.0.0/16]");
        const theirs = `{hosts: [mine.example.com], addresses: ['${part}'], resolution: NONE, ports: [{number: 9000, name: tcp, protocol: TCP}]}`;
        const rig = meshOf(ours + object("ServiceEntry", "mine", theirs, "evil"));
        const call = (namespace: string) => {
          const front = machine(rig, { namespace });
          const reviews = { headers: { host: reviewsHost } };
          return shares(protocol === "TCP" ? front.tcp("10.9.0.5:9000") : front.http("http://10.9.0.5:9000/", reviews));
        };
        assert.deepEqual(call("shop"), { [`outbound|9000||${reviewsHost}`]: 100 });
        if (!part.endsWith("/16"))
          assert.deepEqual(call("lobby"), { "outbound|9000||mine.example.com": 100 }, "the narrower one");
      });
    }
  }
});
