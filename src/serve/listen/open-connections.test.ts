import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer as createHttp2Server, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import { type AddressInfo, createConnection, createServer, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { FakeClock } from "../../kernel/clock.fake.ts";
import { frame, frameTypes, preface } from "./http2-frames.fake.ts";
import { endedPerTurn, OpenConnections, partingMs } from "./open-connections.ts";

const largestWindow = Buffer.from([0, 4, 0x7f, 0xff, 0xff, 0xff]);
/** Most bytes that may be sent on the connection. */
const window = frame(frameTypes.windowUpdate, 0, 0, Buffer.from([0x7f, 0xff, 0, 0]));
/** GET http://a/ */
const request = frame(frameTypes.headers, 5, 1, Buffer.from([0x82, 0x84, 0x86, 0x41, 1, 0x61]));
const goAway = frame(frameTypes.goAway, 0, 0, Buffer.alloc(8));

async function serve(t: TestContext) {
  const clock = new FakeClock();
  const connections = new OpenConnections(clock);
  const sockets: Socket[] = [];
  const sessions: ServerHttp2Session[] = [];
  const http2 = createHttp2Server().on("sessionError", () => {});
  const server = createServer((socket) => {
    sockets.push(socket);
    http2.once("session", (session) => {
      sessions.push(session);
      session.on("error", () => {});
      connections.add(session, socket);
    });
    http2.emit("connection", socket);
  }).listen(0, "127.0.0.1");
  const clients: Socket[] = [];
  t.after(() => {
    for (const client of clients) client.destroy();
    connections.stop();
    server.close();
  });
  await once(server, "listening");
  return {
    ...{ clock, connections, http2, sockets, sessions },
    /** Who has been sent the settings has a session. */
    async dial(): Promise<Socket> {
      const client = createConnection({ port: (server.address() as AddressInfo).port, allowHalfOpen: true });
      clients.push(client.on("error", () => {}));
      client.write(preface(largestWindow));
      await once(client, "readable");
      return client;
    },
  };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("clients that hang up together are parted with a few at a time, and all of them", async (t) => {
  const { connections, dial, sockets } = await serve(t);
  const count = 5 * endedPerTurn;
  const clients = await Promise.all(Array.from({ length: count }, dial));
  for (const client of clients) client.resume().destroy();
  for (let before = 0; before < count; ) {
    await turn();
    const ended = sockets.filter((socket) => socket.destroyed).length;
    assert.ok(ended - before <= 2 * endedPerTurn, `${ended - before} of them in one turn`);
    before = ended;
  }
  while (connections.size > 0) await turn();
});

test("who does not take what is unsent is cut after its session has ended", async (t) => {
  const { clock, connections, dial, http2, sessions, sockets } = await serve(t);
  const client = await dial();
  const asked = once(http2, "stream");
  client.write(Buffer.concat([window, request]));
  const [stream] = (await asked) as [ServerHttp2Stream];
  stream.on("error", () => {});
  stream.respond();
  for (let count = 0; count < 2_000; count += 1) stream.write(Buffer.alloc(16_384));
  await turn();
  sessions[0]?.destroy();
  await clock.advance(2 * partingMs);
  assert.equal(sockets[0]?.destroyed, true);
  while (connections.size > 0) await turn();
});

test("who says GOAWAY and does not hang up is cut, and who still has a stream is not", async (t) => {
  const { clock, connections, dial, http2, sockets } = await serve(t);
  const idle = await dial();
  const busy = await dial();
  const asked = once(http2, "stream");
  busy.write(request);
  const [stream] = (await asked) as [ServerHttp2Stream];
  stream.respond();
  for (const client of [idle, busy]) client.resume().write(goAway);
  await once(idle, "end"); // Node has done its part
  await clock.advance(2 * partingMs);
  assert.deepEqual(
    sockets.map(({ destroyed }) => destroyed),
    [true, false],
  );
  stream.end();
  await once(busy, "end");
  await clock.advance(2 * partingMs);
  while (connections.size > 0) await turn();
});
