import assert from "node:assert/strict";
import { connect } from "node:net";
import { type TestContext, test } from "node:test";
import { FakeClock } from "../../kernel/clock.fake.ts";
import { LateenError } from "../../kernel/error.ts";
import { Metrics } from "../../kernel/metric.ts";
import { pipelineLimit } from "../../kernel/request-pipelines.ts";
import { MonitoringListener } from "./monitoring-listener.ts";

test("metrics, health and readiness are served, read only, and nothing else", async (t) => {
  const metrics = new Metrics();
  metrics.counter("pilot_test_total", "A test.").inc();
  let ready = false;
  const place = { host: "127.0.0.1", port: 0, clock: new FakeClock() };
  const listener = await MonitoringListener.listen({ ...place, metrics, isReady: () => ready });
  t.after(() => listener.stop());
  const get = async (path: string, method = "GET") => {
    const response = await fetch(`http://127.0.0.1:${listener.port}${path}`, { method });
    return { status: response.status, text: await response.text(), type: response.headers.get("content-type") };
  };
  const page = await get("/metrics?x=1");
  assert.equal(page.status, 200);
  assert.match(page.text, /pilot_test_total 1/);
  assert.equal(page.type, "text/plain; version=0.0.4; charset=utf-8");
  assert.equal((await get("/healthz")).status, 200);
  assert.equal((await get("/readyz")).status, 503);
  ready = true;
  assert.equal((await get("/readyz")).status, 200);
  assert.deepEqual([(await get("/metrics", "HEAD")).status, (await get("/metrics", "HEAD")).text], [200, ""]);
  assert.equal((await get("/metrics", "POST")).status, 405);
  assert.equal((await get("/debug/pprof")).status, 404);
  const again = MonitoringListener.listen({ ...place, port: listener.port, metrics, isReady: () => true });
  const fails = (message: RegExp, remedy: RegExp) => (error: unknown) =>
    error instanceof LateenError &&
    error.code === "LAT2109" &&
    message.test(error.message) &&
    remedy.test(error.remedy);
  await assert.rejects(again, fails(/: the port is in use$/, /another port/));
  // 192.0.2.0/24 is for documentation (RFC 5737): no host has it.
  const elsewhere = MonitoringListener.listen({ ...place, host: "192.0.2.1", metrics, isReady: () => true });
  await assert.rejects(elsewhere, fails(/: this host has no such address$/, /an address of this host/));
});

async function countedScrapes(t: TestContext) {
  const metrics = new Metrics();
  const clock = new FakeClock();
  const seen = { scrapes: 0 };
  metrics.readGauge("pilot_test", "A test.", [], () => [[{}, ++seen.scrapes]]);
  const options = { host: "127.0.0.1", port: 0, metrics, clock };
  const listener = await MonitoringListener.listen({ ...options, isReady: () => true });
  t.after(() => listener.stop());
  const url = `http://127.0.0.1:${listener.port}/metrics`;
  return { clock, listener, seen, page: async () => (await fetch(url)).text() };
}

test("whoever asks within a second gets the same page", async (t) => {
  const { clock, page, seen } = await countedScrapes(t);
  const pages = await Promise.all(Array.from({ length: 20 }, page));
  assert.equal(seen.scrapes, 1);
  assert.equal(new Set([...pages, await page()]).size, 1);
  await clock.advance(1_000);
  assert.match(await page(), /pilot_test 2/);
});

test("a packet of pipelined requests closes the connection, and others are answered", async (t) => {
  const { listener, page, seen } = await countedScrapes(t);
  const socket = connect(listener.port, "127.0.0.1");
  socket.on("error", () => {});
  const closed = new Promise((resolve) => socket.on("close", resolve));
  let answers = "";
  socket.on("data", (bytes) => {
    answers += bytes;
  });
  socket.write("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n".repeat(1_500));
  await closed;
  assert.ok(answers.split("HTTP/1.1 200").length <= 1 + pipelineLimit);
  assert.match(await page(), /pilot_test 1/);
  assert.equal(seen.scrapes, 1);
});
