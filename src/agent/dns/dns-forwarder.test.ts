// Names of others, asked of resolvers on real sockets.
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { describe, test } from "node:test";
import { FakeClock } from "../../kernel/clock.fake.ts";
import { addressesIn, askUdp, decodeAnswer, queryBytes } from "./dig.fake.ts";
import { startServer, upstreamThat } from "./dns-server.fake.ts";
import { frame } from "./frame-reader.ts";
import { always, replyTo, startUpstream, type UpstreamHandler } from "./upstream.fake.ts";
import type { Upstream } from "./upstream.ts";

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
