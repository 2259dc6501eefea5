import assert from "node:assert/strict";
import { connect } from "node:net";
import { test } from "node:test";
import { FakeClock } from "../../kernel/clock.fake.ts";
import { LateenError } from "../../kernel/error.ts";
import { fakeLog } from "../../kernel/log.fake.ts";
import { Metrics } from "../../kernel/metric.ts";
import type { AgentStatus } from "../agent-status.ts";
import { fakeAdmin } from "../envoy/admin.fake.ts";
import { MetricsPage } from "./metrics-page.ts";
import { agentRoutes, envoyMetricsRoutes } from "./status-routes.ts";
import { StatusServer } from "./status-server.ts";

type Test = { after(fn: () => Promise<void>): void };

async function setUp(t: Test, envoy: { up: boolean; obstacles: string[]; status?: AgentStatus }) {
  const reads = { envoy: 0 };
  const clock = new FakeClock();
  const admin = await fakeAdmin(t, (request, response) => {
    if (!envoy.up) response.socket?.destroy();
    else if (request.url === "/stats/prometheus") {
      reads.envoy += 1;
      response.end("envoy_istiocustom_istio_requests_total 5\n");
    } else response.end("LIVE\n");
  });
  const { log } = fakeLog();
  const metrics = new Metrics();
  const page = new MetricsPage({ admin, metrics, log, clock });
  const listen = async (routes: ConstructorParameters<typeof StatusServer>[0]) => {
    const server = new StatusServer(routes, { log, clock });
    t.after(() => server.stop());
    return `http://127.0.0.1:${await server.listen("127.0.0.1", 0)}`;
  };
  return {
    ...{ reads, clock },
    agent: await listen(
      agentRoutes(
        page,
        async () => envoy.obstacles,
        () => envoy.status,
      ),
    ),
    routes: agentRoutes(
      page,
      async () => envoy.obstacles,
      () => envoy.status,
    ),
    envoyMetrics: await listen(envoyMetricsRoutes(page)),
    listen,
  };
}

test("the agent's page joins Envoy's metrics under Istio's names with its own", async (t) => {
  const { agent, envoyMetrics } = await setUp(t, { up: true, obstacles: [] });
  for (const path of ["/metrics", "/stats/prometheus?format=prometheus"]) {
    const response = await fetch(agent + path);
    const text = await response.text();
    assert.match(response.headers.get("content-type") ?? "", /version=0\.0\.4/);
    assert.match(text, /^istio_requests_total 5$/m);
    assert.match(text, /^istio_agent_scrapes_total \d$/m);
    assert.match(text, /^istio_build\{component="agent",tag="1\.\d+\.\d+"\} 1$/m);
  }
  const text = await (await fetch(`${envoyMetrics}/stats/prometheus`)).text();
  assert.equal(text, "istio_requests_total 5\n");
});

test("without Envoy the agent still tells its own, and counts what it missed", async (t) => {
  const { agent, envoyMetrics } = await setUp(t, { up: false, obstacles: [] });
  const text = await (await fetch(`${agent}/metrics`)).text();
  assert.match(text, /^istio_agent_scrape_failures_total\{type="envoy"\} 1$/m);
  assert.equal((await fetch(`${envoyMetrics}/stats/prometheus`)).status, 503);
});

test("who the machine is, the agent tells callers on the machine only", async (t) => {
  const envoy: Parameters<typeof setUp>[1] = { up: true, obstacles: [] };
  const { agent, routes } = await setUp(t, envoy);
  assert.equal((await fetch(`${agent}/status`)).status, 503);
  envoy.status = {
    ready: false,
    obstacles: ["Envoy is not live"],
    name: "reviews-1",
    identity: { state: "valid", spiffeId: "spiffe://cluster.local/ns/shop/sa/reviews" },
    controlPlane: { address: "https://10.0.0.5:15012", state: "open" },
    envoy: { state: "starting", version: "1.40.0", path: "/usr/bin/envoy" },
  };
  assert.deepEqual(await (await fetch(`${agent}/status`)).json(), envoy.status);
  const elsewhere = await routes.get("/status")?.(false);
  assert.equal(elsewhere?.status, 403);
  assert.doesNotMatch(String(elsewhere?.body), /shop|10\.0\.0\.5/);
});

test("readiness says what is missing", async (t) => {
  const envoy = { up: true, obstacles: ["Envoy is not live", "names are not answered yet"] };
  const { agent } = await setUp(t, envoy);
  const response = await fetch(`${agent}/healthz/ready`);
  assert.equal(response.status, 503);
  assert.equal(await response.text(), "not ready: Envoy is not live; names are not answered yet\n");
  envoy.obstacles = [];
  assert.equal((await fetch(`${agent}/healthz/ready`)).status, 200);
});

test("nothing can be changed or read beyond these pages (A2)", async (t) => {
  const { agent, envoyMetrics } = await setUp(t, { up: true, obstacles: [] });
  for (const path of ["/", "/quitquitquit", "/drain", "/config_dump", "/../metrics", "//metrics", "/debug/pprof"]) {
    assert.equal((await fetch(agent + path)).status, path === "/../metrics" ? 200 : 404, path);
  }
  assert.equal((await fetch(`${envoyMetrics}/metrics`)).status, 404);
  assert.equal((await fetch(`${agent}/metrics`, { method: "POST" })).status, 405);
});

test("a page that is asked for too often at once is refused, and one that fails does not say why", async (t) => {
  const { listen } = await setUp(t, { up: true, obstacles: [] });
  const gate = Promise.withResolvers<void>();
  const body = { status: 200, contentType: "text/plain", body: "ok" };
  const url = await listen(
    new Map([
      ["/slow", () => gate.promise.then(() => body)],
      ["/broken", () => Promise.reject(new TypeError("a secret"))],
    ]),
  );
  const slow = Array.from({ length: 8 }, () => fetch(`${url}/slow`));
  for (;;) {
    const ninth = await fetch(`${url}/broken`);
    if (ninth.status === 503) break;
    assert.equal(await ninth.text(), "internal error\n");
  }
  gate.resolve();
  for (const answer of await Promise.all(slow)) assert.equal(answer.status, 200);
});

test("whoever asks within a second gets the same page, and Envoy is asked once", async (t) => {
  const { agent, envoyMetrics, reads, clock } = await setUp(t, { up: true, obstacles: [] });
  const read = async (url: string): Promise<string> => (await fetch(url)).text();
  const pages = await Promise.all(Array.from({ length: 8 }, () => read(`${agent}/metrics`)));
  assert.equal(new Set([...pages, await read(`${agent}/stats/prometheus`)]).size, 1);
  assert.equal(await read(`${envoyMetrics}/stats/prometheus`), "istio_requests_total 5\n");
  assert.equal(reads.envoy, 1);
  await clock.advance(1_000);
  assert.match(await read(`${agent}/metrics`), /^istio_agent_scrapes_total 10$/m);
  assert.equal(reads.envoy, 2);
});

test("a packet of pipelined requests closes the connection", async (t) => {
  const { agent } = await setUp(t, { up: true, obstacles: [] });
  const socket = connect(Number(new URL(agent).port), "127.0.0.1");
  socket.on("error", () => {});
  let answers = "";
  socket.on("data", (bytes) => {
    answers += bytes;
  });
  const closed = new Promise((resolve) => socket.on("close", resolve));
  socket.write("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n".repeat(1_000));
  await closed;
  assert.ok(answers.split("HTTP/1.1 ").length <= 2);
  assert.equal((await fetch(`${agent}/healthz/ready`)).status, 200);
});

test("a port that is taken is named", async (t) => {
  const { agent } = await setUp(t, { up: true, obstacles: [] });
  const { log } = fakeLog();
  const second = new StatusServer(new Map(), { log, clock: new FakeClock() });
  await assert.rejects(
    second.listen("127.0.0.1", Number(new URL(agent).port)),
    (error) => error instanceof LateenError && error.code === "LAT4209" && error.message.includes(new URL(agent).port),
  );
});

test("garbage is answered with an error or a closed connection", async (t) => {
  const { agent } = await setUp(t, { up: true, obstacles: [] });
  for (const bytes of ["\0\0\0", "GET", "GET / HTTP/9.9\r\n\r\n", `GET /${"x".repeat(20_000)} HTTP/1.1\r\n\r\n`]) {
    const socket = connect(Number(new URL(agent).port), "127.0.0.1");
    socket.on("error", () => {});
    const closed = new Promise((resolve) => socket.on("close", resolve));
    socket.resume().end(bytes);
    await closed;
  }
  assert.equal((await fetch(`${agent}/healthz/ready`)).status, 200);
});
