// The server on real sockets, with a client and resolvers made with another implementation of DNS.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { FakeClock } from "../../kernel/clock.fake.ts";
import { systemClock } from "../../kernel/clock.ts";
import { fakeLog } from "../../kernel/log.fake.ts";
import { Metrics } from "../../kernel/metric.ts";
import { systemRandom } from "../../kernel/random.ts";
import { addressesIn, dig } from "./dig.fake.ts";
import { startServer, upstreamThat } from "./dns-server.fake.ts";
import { DnsServer } from "./dns-server.ts";
import { meshLookup } from "./mesh-table.fake.ts";
import type { NameLookup } from "./name-table.ts";
import { always, replyTo } from "./upstream.fake.ts";

describe("names of the mesh", () => {
  test("are answered over UDP and TCP, for 30 s, with authority", async () => {
    const { ask, metric } = await startServer();
    for (const transport of ["udp", "tcp"]) {
      const answer = await ask("ratings.shop.svc.cluster.local", "A", { transport });
      assert.deepEqual(addressesIn(answer), ["10.0.0.3"]);
      const [record] = answer.answers ?? [];
      assert.ok(record?.type === "A");
      assert.equal(record.ttl, 30);
      assert.equal(answer.rcode, "NOERROR");
      assert.equal(answer.flag_aa && answer.flag_ra && answer.flag_rd, true);
      assert.equal(answer.id, 4711);
    }
    assert.deepEqual(addressesIn(await ask("reviews.shop", "AAAA")), ["fd00::1"]);
    assert.deepEqual(addressesIn(await ask("anything.wild.example.com")), ["240.240.0.2"]);
    assert.equal(await metric("dns_requests_total"), 4);
    assert.equal(await metric("dns_upstream_requests_total"), 0);
  });

  test("keep the letter case of the question (0x20)", async () => {
    const { ask } = await startServer();
    const answer = await ask("rAtInGs.ShOp");
    assert.equal(answer.questions?.[0]?.name, "rAtInGs.ShOp");
    assert.equal(answer.answers?.[0]?.name, "rAtInGs.ShOp");
  });

  test("take turns in which address comes first", async () => {
    const { ask } = await startServer();
    const first = new Set<string | undefined>();
    for (let i = 0; i < 64; i++) {
      const addresses = addressesIn(await ask("reviews"));
      assert.deepEqual([...addresses].sort(), ["10.0.0.1", "10.0.0.2"]);
      first.add(addresses[0]);
    }
    assert.equal(first.size, 2);
  });

  test("without a record of the asked family are NOERROR and empty", async () => {
    const { ask } = await startServer();
    const answer = await ask("ratings", "AAAA");
    assert.equal(answer.rcode, "NOERROR");
    assert.equal(answer.answers?.length, 0);
  });

  test("of the mesh's own domain are not asked about outside, whatever the type", async () => {
    const upstream = await upstreamThat(always("192.0.2.1"));
    const { ask } = await startServer({ upstreams: [upstream] });
    const answer = await ask("ratings.shop.svc.cluster.local", "TXT");
    assert.equal(answer.rcode, "NOERROR");
    assert.equal(answer.answers?.length, 0);
    assert.equal(upstream.queries.length, 0);
  });

  test("outside that domain are asked about for other types; 'no such name' only means no such record", async () => {
    const upstream = await upstreamThat((query) => [replyTo(query, { rcode: 3 })]);
    const { ask } = await startServer({ upstreams: [upstream] });
    const answer = await ask("api.example.com", "TXT");
    assert.equal(answer.rcode, "NOERROR");
    upstream.handler = (query) => [
      replyTo(query, { answers: [{ type: "TXT", name: "api.example.com", ttl: 1, data: "hello" }] }),
    ];
    assert.equal((await ask("api.example.com", "TXT")).answers?.length, 1);
  });

  test("with a search domain appended are aliases of the full name", async () => {
    const upstream = await upstreamThat(always("192.0.2.1"));
    const { ask } = await startServer({ upstreams: [upstream], search: ["corp.example", "example.com"] });
    for (const [name, address] of [
      ["ratings.corp.example", "10.0.0.3"],
      ["ratings.shop.svc.cluster.local.corp.example", "10.0.0.3"],
    ] as const) {
      const answer = await ask(name);
      const [alias, record] = answer.answers ?? [];
      assert.deepEqual(alias, { ...alias, type: "CNAME", name, data: "ratings.shop.svc.cluster.local" });
      assert.deepEqual(record, { ...record, type: "A", name: "ratings.shop.svc.cluster.local", data: address });
    }
    assert.deepEqual(addressesIn(await ask("api.example.com")), ["240.240.0.1"], "a real name goes first");
    assert.deepEqual(addressesIn(await ask("www.corp.example")), ["192.0.2.1"]);
  });

  test("before the first table are SERVFAIL, other names are answered", async () => {
    const upstream = await upstreamThat(always("192.0.2.1"));
    let table: NameLookup | undefined;
    const { ask } = await startServer({ upstreams: [upstream], table: () => table });
    assert.equal((await ask("ratings.shop.svc.cluster.local")).rcode, "SERVFAIL");
    assert.equal((await ask("www.example.com")).rcode, "NOERROR");
    assert.equal(upstream.queries.length, 1);
    table = meshLookup();
    assert.equal((await ask("ratings.shop.svc.cluster.local")).rcode, "NOERROR");
  });

  test("D7: are never missing or wrong while tables are swapped", async () => {
    let table = meshLookup();
    const { ask } = await startServer({ table: () => table });
    for (let i = 0; i < 50; i++) {
      const asked = ask("ratings");
      table = meshLookup();
      assert.deepEqual(addressesIn(await asked), ["10.0.0.3"]);
    }
  });
});

describe("sizes", () => {
  test("an answer that is too large for UDP is cut off and marked; TCP has it all", async () => {
    const { ask } = await startServer();
    const [plain, edns, greedy, tcp] = await Promise.all([
      ask("many"),
      ask("many", "A", { udpSize: 1000 }),
      ask("many", "A", { udpSize: 4096 }),
      ask("many", "A", { transport: "tcp" }),
    ]);
    const size = (count: number, opt: number): number => 12 + 10 + 16 * count + opt;
    assert.equal(plain?.answers?.length, 30);
    assert.ok(size(30, 0) <= 512 && size(31, 0) > 512);
    assert.equal(edns?.answers?.length, 60);
    assert.ok(size(60, 11) <= 1000 && size(61, 11) > 1000);
    assert.equal(greedy?.answers?.length, 74);
    assert.ok(size(74, 11) <= 1232 && size(75, 11) > 1232);
    assert.deepEqual(
      [plain, edns, greedy].map((answer) => answer?.flag_tc),
      [true, true, true],
    );
    assert.equal(tcp?.answers?.length, 100);
    assert.equal(tcp?.flag_tc, false);
    assert.equal(edns?.additionals?.length, 1);
  });

  test("D3: 'everything' is one small record for the mesh, and only TCP for others", async () => {
    const upstream = await upstreamThat((query) => [replyTo(query)]);
    const { ask } = await startServer({ upstreams: [upstream] });
    const mesh = await ask("many", "ANY");
    assert.deepEqual(
      mesh.answers?.map((record) => record.type),
      ["HINFO"],
    );
    assert.equal((await ask("www.example.com", "ANY")).flag_tc, true);
    assert.equal(upstream.queries.length, 0);
    assert.equal((await ask("www.example.com", "ANY", { transport: "tcp" })).flag_tc, false);
    assert.equal(upstream.queries.length, 1);
  });

  test("a resolver's answer that is too large for the client is cut off", async () => {
    const answers = Array.from({ length: 60 }, (_, i) => ({
      type: "A" as const,
      name: "big.example",
      ttl: 1,
      data: `192.0.2.${i}`,
    }));
    const upstream = await upstreamThat((query) => [replyTo(query, { answers })]);
    const { ask } = await startServer({ upstreams: [upstream] });
    const small = await ask("big.example");
    assert.equal(small.flag_tc, true);
    assert.equal(small.answers?.length, 0);
    assert.equal((await ask("big.example", "A", { transport: "tcp" })).answers?.length, 60);
  });
});

describe("listening", () => {
  test("on both loopback addresses with one port", async () => {
    const { port } = await startServer({ addresses: ["127.0.0.1", "::1", "2001:db8::1"] });
    const answer = await dig("ratings", "A", { port, server: "::1" });
    assert.deepEqual(addressesIn(answer), ["10.0.0.3"]);
  });

  test("on a port that is taken is an error that says so", async () => {
    const { port } = await startServer();
    const second = new DnsServer({
      table: () => undefined,
      domainSuffix: () => "cluster.local",
      upstreams: () => [],
      searchDomains: () => [],
      addresses: ["127.0.0.1"],
      port,
      clock: systemClock,
      random: systemRandom,
      log: fakeLog().log,
      metrics: new Metrics(),
    });
    await assert.rejects(second.start(), { code: "LAT4301" });
  });

  test("ends: nothing is left open, whoever waits is told", async () => {
    const clock = new FakeClock();
    const silent = await upstreamThat(() => []);
    const { server, ask } = await startServer({ clock, upstreams: [silent] });
    const asked = silent.asked();
    const answer = ask("www.example.com");
    await asked;
    await server.stop();
    await server.stop();
    assert.equal((await answer).rcode, "SERVFAIL");
    assert.equal(clock.pending, 0);
  });
});
