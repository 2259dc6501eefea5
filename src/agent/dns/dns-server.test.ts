// The server on real sockets, with a client and resolvers made with another implementation of DNS.
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { afterEach, describe, test } from "node:test";
import { decode, streamEncode } from "dns-packet";
import { FakeClock } from "../../kernel/clock.fake.ts";
import type { Clock } from "../../kernel/clock.ts";
import { systemClock } from "../../kernel/clock.ts";
import { Lifecycle } from "../../kernel/lifecycle.ts";
import { fakeLog } from "../../kernel/log.fake.ts";
import { Metrics } from "../../kernel/metric.ts";
import { systemRandom } from "../../kernel/random.ts";
import { addressesIn, askTcp, askUdp, decodeAnswer, dig, queryBytes } from "./dig.fake.ts";
import { DnsServer } from "./dns-server.ts";
import { frame } from "./frame-reader.ts";
import { meshLookup } from "./mesh-table.fake.ts";
import type { NameLookup } from "./name-table.ts";
import { always, type FakeUpstream, replyTo, startUpstream, type UpstreamHandler } from "./upstream.fake.ts";
import type { Upstream } from "./upstream.ts";

let parts = new Lifecycle();
afterEach(async () => {
  const ended = parts;
  parts = new Lifecycle();
  await ended.stop();
});

async function upstreamThat(handler: UpstreamHandler): Promise<FakeUpstream> {
  return parts.add(await startUpstream(handler));
}

interface Setup {
  upstreams?: readonly Upstream[];
  table?: () => NameLookup | undefined;
  search?: readonly string[];
  clock?: Clock;
  addresses?: readonly string[];
}

async function startServer(setup: Setup = {}) {
  const { upstreams = [], search = [], clock = systemClock } = setup;
  const lookup = meshLookup();
  const { log, lines } = fakeLog();
  const metrics = new Metrics();
  const server = new DnsServer({
    table: setup.table ?? (() => lookup),
    domainSuffix: () => "cluster.local",
    upstreams: () => upstreams,
    searchDomains: () => search,
    addresses: setup.addresses ?? ["127.0.0.1"],
    port: 0,
    clock,
    random: systemRandom,
    log,
    metrics,
  });
  await parts.add(server).start();
  const { port } = server;
  return {
    server,
    port,
    lines,
    ask: (name: string, type = "A", more: object = {}) => dig(name, type, { port, ...more }),
    metric: async (name: string): Promise<number> =>
      Number(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, "m").exec(await metrics.text())?.[1] ?? 0),
  };
}

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

describe("other names", () => {
  test("are asked of the machine's resolver, from a new port and with a new id each time", async () => {
    const upstream = await upstreamThat(always("192.0.2.1"));
    const { ask, metric } = await startServer({ upstreams: [upstream] });
    for (let i = 0; i < 8; i++) {
      const answer = await ask(`www${i}.Example.com`, "A", { id: 1000 + i });
      assert.deepEqual(addressesIn(answer), ["192.0.2.1"]);
      assert.equal(answer.id, 1000 + i);
      assert.equal(answer.questions?.[0]?.name, `www${i}.Example.com`);
    }
    const ports = new Set(upstream.queries.map((query) => query.fromPort));
    const ids = new Set(upstream.queries.map((query) => query.packet.id));
    assert.ok(ports.size >= 7, `ports ${[...ports].join()}`);
    assert.ok(ids.size >= 7 && !ids.has(1000), `ids ${[...ids].join()}`);
    assert.equal(await metric("dns_upstream_requests_total"), 8);
    assert.equal(await metric("dns_upstream_request_duration_seconds_count"), 8);
    assert.equal(await metric("dns_upstream_failures_total"), 0);
  });

  test("EDNS goes through, asking for no more than fits everywhere", async () => {
    const upstream = await upstreamThat(always("192.0.2.1"));
    const { ask } = await startServer({ upstreams: [upstream] });
    await ask("www.example.com", "A", { udpSize: 4096 });
    const [opt] = upstream.queries[0]?.packet.additionals ?? [];
    assert.ok(opt?.type === "OPT");
    assert.equal(opt.udpPayloadSize, 1232);
  });

  test("D6: a resolver that refuses EDNS is asked without", async () => {
    const upstream = await upstreamThat((query) =>
      query.packet.additionals?.length === 0
        ? always("192.0.2.1")(query)
        : [replyTo(query, { rcode: 1, questions: [] })],
    );
    const { ask } = await startServer({ upstreams: [upstream] });
    assert.deepEqual(addressesIn(await ask("www.example.com", "A", { udpSize: 1232 })), ["192.0.2.1"]);
  });

  test("D6: an answer that was cut off is fetched over TCP", async () => {
    const upstream = await upstreamThat((query) =>
      query.transport === "tcp" ? always("192.0.2.1")(query) : [replyTo(query, { flags: 0x0200 })],
    );
    const { ask } = await startServer({ upstreams: [upstream] });
    const answer = await ask("www.example.com");
    assert.deepEqual(addressesIn(answer), ["192.0.2.1"]);
    assert.equal(answer.flag_tc, false);
  });

  test("D6: SERVFAIL, REFUSED and a closed port lead to the next resolver at once", async () => {
    const closed = await startUpstream(() => []);
    await closed.stop();
    const failing = await upstreamThat((query) => [replyTo(query, { rcode: 2 })]);
    const refusing = await upstreamThat((query) => [replyTo(query, { rcode: 5 })]);
    const good = await upstreamThat(always("192.0.2.1"));
    // The clock stands still, so nothing happens by waiting.
    const { ask, metric } = await startServer({ clock: new FakeClock(), upstreams: [closed, failing, refusing, good] });
    assert.deepEqual(addressesIn(await ask("www.example.com")), ["192.0.2.1"]);
    assert.equal(await metric("dns_upstream_failures_total"), 3);
  });

  test("no such name is an answer, not a failure", async () => {
    const first = await upstreamThat((query) => [replyTo(query, { rcode: 3 })]);
    const second = await upstreamThat(always("192.0.2.1"));
    const { ask } = await startServer({ upstreams: [first, second] });
    assert.equal((await ask("nowhere.example.com")).rcode, "NXDOMAIN");
    assert.equal(second.queries.length, 0);
  });

  test("where all fail the client is told", async () => {
    const failing = await upstreamThat((query) => [replyTo(query, { rcode: 2 })]);
    const { ask } = await startServer({ clock: new FakeClock(), upstreams: [failing, failing] });
    assert.equal((await ask("www.example.com")).rcode, "SERVFAIL");
    const { ask: askAlone } = await startServer();
    assert.equal((await askAlone("www.example.com")).rcode, "SERVFAIL");
  });

  test("F19: a silent resolver costs 300 ms once, then the next goes first", async () => {
    const clock = new FakeClock();
    const silent = await upstreamThat(() => []);
    const good = await upstreamThat(always("192.0.2.1"));
    const { ask } = await startServer({ clock, upstreams: [silent, good] });
    const asked = silent.asked();
    const answer = ask("www.example.com");
    await asked;
    assert.equal(good.queries.length, 0);
    await clock.advance(300);
    assert.deepEqual(addressesIn(await answer), ["192.0.2.1"]);
    assert.deepEqual(addressesIn(await ask("www2.example.com")), ["192.0.2.1"], "without moving the clock");
    assert.equal(silent.queries.length, 1);
    await clock.advance(30_001);
    const askedAgain = silent.asked();
    const again = ask("www3.example.com");
    await askedAgain;
    await clock.advance(300);
    await again;
    assert.equal(silent.queries.length, 2, "the order of resolv.conf is tried again later");
    assert.equal(clock.pending, 0, "no timer is left");
  });

  test("a lost packet is sent again, and after 5 s it is over", async () => {
    const clock = new FakeClock();
    const silent = await upstreamThat(() => []);
    const { ask, metric } = await startServer({ clock, upstreams: [silent] });
    const first = silent.asked();
    const answer = ask("www.example.com");
    await first;
    const second = silent.asked();
    await clock.advance(1_000);
    await second;
    const [before, after] = silent.queries;
    assert.ok(before?.packet.id !== after?.packet.id || before?.fromPort !== after?.fromPort);
    await clock.advance(4_000);
    assert.equal((await answer).rcode, "SERVFAIL");
    assert.equal(silent.queries.length, 2);
    assert.equal(clock.pending, 0);
    assert.equal(await metric("dns_upstream_requests_total"), 2);
  });

  test("D1: forged replies are passed over; where somebody guesses, TCP decides", async () => {
    const forged = (query: Parameters<UpstreamHandler>[0], i: number): Uint8Array =>
      replyTo(query, {
        id: ((query.packet.id ?? 0) + 1 + i) & 0xffff,
        answers: [{ type: "A", name: query.packet.questions?.[0]?.name ?? "", ttl: 1, data: "6.6.6.6" }],
      });
    const guesses =
      (count: number): UpstreamHandler =>
      (query) =>
        query.transport === "tcp"
          ? always("192.0.2.2")(query)
          : [...Array.from({ length: count }, (_, i) => forged(query, i)), ...always("192.0.2.1")(query)];
    const upstream = await upstreamThat(guesses(15));
    const { ask } = await startServer({ upstreams: [upstream] });
    assert.deepEqual(addressesIn(await ask("www.example.com")), ["192.0.2.1"]);
    upstream.handler = guesses(1000);
    assert.deepEqual(addressesIn(await ask("www.example.com")), ["192.0.2.2"]);
  });

  test("D6: the server never asks itself, and notices when its own query comes back", async () => {
    const loop: Upstream[] = [];
    const { ask, lines, server, port, metric } = await startServer({ upstreams: loop });
    loop.push({ address: "127.0.0.1", port: server.port });
    assert.equal((await ask("www.example.com")).rcode, "SERVFAIL");
    assert.equal(await metric("dns_upstream_requests_total"), 0);
    // A relay sends back what it gets, as wrong redirect rules do.
    const relay = await upstreamThat(() => []);
    relay.handler = (query) => {
      void askUdp({ port }, query.bytes).then((answer) => looped.resolve(decodeAnswer(answer).rcode));
      return [];
    };
    const looped = Promise.withResolvers<string>();
    loop[0] = relay;
    const asked = ask("round.example.com");
    assert.equal(await looped.promise, "SERVFAIL");
    assert.match(lines.find((line) => line.level === "error")?.msg ?? "", /own DNS queries come back/);
    await server.stop();
    assert.equal((await asked).rcode, "SERVFAIL");
  });

  test("D6: one question that comes again and again is a loop through another resolver of the machine", async () => {
    const silent = await upstreamThat(() => []);
    const { port, lines, metric } = await startServer({ clock: new FakeClock(), upstreams: [silent] });
    const sockets = Array.from({ length: 5 }, () => connect(port, "127.0.0.1"));
    const question = frame(queryBytes("round.example.com", "A"));
    for (const socket of sockets) {
      socket.on("error", () => {});
      socket.write(Buffer.concat(new Array<Uint8Array>(13).fill(question)));
    }
    const refused = await Promise.race(sockets.map(async (socket) => (await once(socket, "data"))[0] as Buffer));
    assert.equal(decodeAnswer(refused.subarray(2)).rcode, "SERVFAIL");
    assert.match(lines.find((line) => line.level === "error")?.msg ?? "", /goes round/);
    assert.equal(await metric("lateen_dns_refusals_total"), 1, "64 are open, the 65th is refused");
    for (const socket of sockets) socket.destroy();
  });

  test("1,000 questions may be open; the next is refused at once, and mesh names still answered", async () => {
    const clock = new FakeClock();
    const silent = await upstreamThat(() => []);
    const { port, ask, metric } = await startServer({ clock, upstreams: [silent] });
    // Over TCP, so that none is lost; 16 a connection are read at once.
    const sockets = Array.from({ length: 63 }, () => connect(port, "127.0.0.1"));
    for (const [i, socket] of sockets.entries()) {
      socket.on("error", () => {});
      const questions = Array.from({ length: 16 }, (_, j) => frame(queryBytes(`n${i}-${j}.example.com`, "A")));
      socket.write(Buffer.concat(questions));
    }
    const refused = Promise.race(sockets.map(async (socket) => (await once(socket, "data"))[0] as Buffer));
    assert.equal(decodeAnswer((await refused).subarray(2)).rcode, "SERVFAIL");
    assert.deepEqual(addressesIn(await ask("ratings")), ["10.0.0.3"]);
    assert.ok((await metric("lateen_dns_refusals_total")) >= 1);
    for (const socket of sockets) socket.destroy();
  });
});

describe("connections", () => {
  test("D4: one that delivers no whole message for 5 s is closed, bytes or not", async () => {
    const clock = new FakeClock();
    const { port, ask } = await startServer({ clock });
    const slow = connect(port, "127.0.0.1");
    slow.on("error", () => {}); // reset, because the server leaves bytes unread
    const message = frame(queryBytes("ratings", "A"));
    // An answer proves that the connection is being served.
    slow.write(message);
    await once(slow, "data");
    slow.write(message.subarray(0, 5));
    await clock.advance(4_999);
    slow.write(message.subarray(5, 6));
    await ask("ratings", "A", { transport: "tcp" }); // by now the byte has been read too
    const closed = once(slow, "close");
    await clock.advance(1);
    await closed;
  });

  test("D4: the 101st is closed at once, the others stay", async () => {
    const { port, ask } = await startServer();
    const sockets = Array.from({ length: 100 }, () => connect(port, "127.0.0.1"));
    const message = frame(queryBytes("ratings", "A"));
    for (const socket of sockets) {
      socket.write(message);
      await once(socket, "data");
    }
    const late = connect(port, "127.0.0.1");
    late.on("error", () => {});
    await once(late, "close");
    sockets[0]?.write(message);
    await once(sockets[0] ?? late, "data");
    const closed = once(sockets[1] ?? late, "close");
    sockets[1]?.destroy();
    await closed;
    for (const socket of sockets) socket.destroy();
    assert.deepEqual(addressesIn(await ask("ratings")), ["10.0.0.3"]);
  });

  test("many questions in one go are all answered, also by a client that has said goodbye", async () => {
    const { port } = await startServer();
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    const ids = Array.from({ length: 40 }, (_, i) => i + 1);
    socket.end(Buffer.concat(ids.map((id) => streamEncode({ id, questions: [{ type: "A", name: "ratings" }] }))));
    const chunks: Buffer[] = [];
    for await (const chunk of socket) chunks.push(chunk as Buffer);
    let bytes = Buffer.concat(chunks);
    const seen: number[] = [];
    while (bytes.length > 0) {
      const length = bytes.readUInt16BE(0);
      seen.push(decode(bytes.subarray(2, 2 + length)).id ?? 0);
      bytes = bytes.subarray(2 + length);
    }
    assert.deepEqual(
      seen.sort((a, b) => a - b),
      ids,
    );
  });

  test("D4: a message of 65,535 bytes is read and turned down", async () => {
    const { port } = await startServer();
    const huge = Buffer.alloc(65_535);
    queryBytes("ratings", "A").copy(huge);
    assert.equal(decodeAnswer(await askTcp({ port }, frame(huge))).rcode, "FORMERR");
  });

  test("bytes that deserve no answer close a stream", async () => {
    const { port } = await startServer();
    const socket = connect(port, "127.0.0.1");
    socket.write(frame(Uint8Array.of(1, 2, 3)));
    await once(socket, "close");
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
