import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import { type AddressInfo, createConnection } from "node:net";
import { type TestContext, test } from "node:test";
import { FakeClock } from "../../kernel/clock.fake.ts";
import { SessionPings } from "./session-pings.ts";

/** @param unacknowledged what the kernel says of every connection that owes an answer */
async function startBed(t: TestContext, unacknowledged: number | undefined) {
  const clock = new FakeClock();
  const pings = new SessionPings(clock, async (ends) => ends.map(() => unacknowledged));
  const server = createServer();
  const sessions: ServerHttp2Session[] = [];
  server.on("session", (session) => {
    sessions.push(session);
    pings.watch(session);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  t.after(() => {
    pings.stop();
    for (const session of sessions) session.destroy();
    server.close();
  });
  return { clock, pings, server, sessions, port };
}

/** A client that speaks HTTP/2 and answers nothing. */
async function dialMute(port: number) {
  const socket = createConnection(port, "127.0.0.1");
  socket.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  socket.write(Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0])); // empty SETTINGS
  await once(socket, "data");
  socket.resume();
  return socket;
}

test("a connection whose other end is gone is found in six seconds", async (t) => {
  const { clock, pings, port } = await startBed(t, 17);
  const socket = await dialMute(port);
  await clock.advance(3_000); // sees the first bytes, and pings
  assert.equal(pings.size, 1);
  await clock.advance(3_000);
  await once(socket, "close");
  assert.equal(pings.size, 0);
});

test("a client that answers stays, however long", async (t) => {
  const { clock, pings, port, sessions } = await startBed(t, 17);
  const client = connect(`http://127.0.0.1:${port}`);
  t.after(() => client.destroy());
  await once(client, "remoteSettings");
  for (let count = 0; count < 5; count++) {
    const pinged = once(client, "ping");
    await clock.advance(3_000);
    await pinged;
    // Answered in order: once this comes back, the server has seen the answer to its own ping.
    await new Promise<void>((resolve, reject) => {
      client.ping((error) => (error === null ? resolve() : reject(error)));
    });
  }
  assert.equal(pings.size, 1);
  assert.equal(sessions[0]?.destroyed, false);
});

test("a large response before the ping is granted the time a slow link needs", async (t) => {
  const { clock, pings, port, server } = await startBed(t, 17);
  const written = new Promise<void>((resolve) => {
    server.on("stream", (stream: ServerHttp2Stream) => {
      stream.respond({ ":status": 200 });
      stream.write(Buffer.alloc(60_000), () => resolve());
    });
  });
  const socket = await dialMute(port);
  // HEADERS of one request: GET http://a/, END_STREAM and END_HEADERS.
  socket.write(Buffer.from([0, 0, 6, 1, 5, 0, 0, 0, 1, 0x82, 0x84, 0x86, 0x41, 1, 0x61]));
  await written;
  await clock.advance(3_000);
  await clock.advance(6_000);
  assert.equal(pings.size, 1, "60 kB need 7.5 s at 64 kbit/s");
  await clock.advance(3_000);
  await once(socket, "close");
});

test("a program that is stopped on a machine that lives gets a minute", async (t) => {
  const { clock, pings, port } = await startBed(t, 0);
  const socket = await dialMute(port);
  for (let passedMs = 0; passedMs < 60_000; passedMs += 3_000) await clock.advance(3_000);
  assert.equal(pings.size, 1);
  await clock.advance(6_000);
  await once(socket, "close");
  assert.equal(pings.size, 0);
});

test("where the system does not tell, silence is taken for death", async (t) => {
  const { clock, port } = await startBed(t, undefined);
  const socket = await dialMute(port);
  await clock.advance(6_000);
  await once(socket, "close");
});

test("nobody is taken for dead when this process itself was away", async (t) => {
  const { clock, pings, port } = await startBed(t, 17);
  await dialMute(port);
  await clock.advance(3_000);
  // Time passes without a look, as when the process is stopped.
  (clock as unknown as { elapsedMs: number }).elapsedMs += 30_000;
  await clock.advance(0);
  assert.equal(pings.size, 1);
});
