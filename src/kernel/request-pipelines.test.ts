import assert from "node:assert/strict";
import { once } from "node:events";
import { Agent, createServer, get, type IncomingMessage } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { type TestContext, test } from "node:test";
import { FakeClock } from "./clock.fake.ts";
import { answerTimeMs, pipelineLimit, RequestPipelines } from "./request-pipelines.ts";

async function serve(t: TestContext, answer: string | Buffer = "ok") {
  const clock = new FakeClock();
  const pipelines = new RequestPipelines(clock);
  const seen = { taken: 0 };
  const server = createServer((request, response) => {
    if (!pipelines.take(request, response)) return;
    seen.taken += 1;
    response.end(answer);
  }).listen(0, "127.0.0.1");
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  await once(server, "listening");
  return { clock, seen, port: (server.address() as AddressInfo).port };
}

test("of requests that come together few are taken, and the connection is closed", async (t) => {
  const { seen, port } = await serve(t);
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  const closed = new Promise((resolve) => socket.on("close", resolve));
  socket.resume().write("GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(1_000));
  await closed;
  assert.equal(seen.taken, pipelineLimit);
});

test("requests that wait for the answer before share a connection", async (t) => {
  const { seen, port } = await serve(t);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  const ports = new Set<number | undefined>();
  for (let count = 0; count < 50; count += 1) {
    const [response] = (await once(get({ host: "127.0.0.1", port, agent }), "response")) as [IncomingMessage];
    ports.add(response.socket.localPort);
    await once(response.resume(), "end");
  }
  assert.deepEqual([seen.taken, ports.size], [50, 1]);
});

test("who does not read the answer is cut, and who did is not", async (t) => {
  const bytes = 64 << 20;
  const large = await serve(t, Buffer.alloc(bytes));
  const socket = connect(large.port, "127.0.0.1");
  socket.on("error", () => {});
  socket.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  await once(socket, "readable");
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  const [answered] = (await once(get({ host: "127.0.0.1", port: large.port, agent }), "response")) as [IncomingMessage];
  await once(answered.resume(), "end");
  await large.clock.advance(answerTimeMs);
  let read = 0;
  socket.on("data", (part) => {
    read += part.length;
  });
  await once(socket, "close");
  assert.ok(read < bytes, "what is left was not sent");
  const [again] = (await once(get({ host: "127.0.0.1", port: large.port, agent }), "response")) as [IncomingMessage];
  assert.equal(again.statusCode, 200);
});
