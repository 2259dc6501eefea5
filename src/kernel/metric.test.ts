import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { Metrics } from "./metric.ts";

suite("Metrics", () => {
  test("writes the Prometheus text format", async () => {
    const metrics = new Metrics();
    metrics.counter("lateen_pushes_total", "Pushes.", ["type"]).inc({ type: "cds" }, 2);
    metrics.gauge("lateen_streams", "Open streams.").set(3);
    metrics.histogram("lateen_wait_seconds", "Waits.", [0.1, 1]).observe(0.5);
    const text = await metrics.text();
    assert.match(text, /^# HELP lateen_pushes_total Pushes\.$/m);
    assert.match(text, /^# TYPE lateen_pushes_total counter$/m);
    assert.match(text, /^lateen_pushes_total\{type="cds"\} 2$/m);
    assert.match(text, /^lateen_streams 3$/m);
    assert.match(text, /^lateen_wait_seconds_bucket\{le="0\.1"\} 0$/m);
    assert.match(text, /^lateen_wait_seconds_bucket\{le="1"\} 1$/m);
    assert.match(text, /^lateen_wait_seconds_count 1$/m);
  });

  test("escapes what a label value holds", async () => {
    const metrics = new Metrics();
    metrics.counter("lateen_odd_total", "Odd.", ["name"]).inc({ name: 'a"b\\c\nd' });
    assert.match(await metrics.text(), /^lateen_odd_total\{name="a\\"b\\\\c\\nd"\} 1$/m);
  });

  test("keeps two parts apart", async () => {
    const [first, second] = [new Metrics(), new Metrics()];
    first.counter("lateen_same_total", "Same.").inc();
    second.counter("lateen_same_total", "Same.");
    assert.match(await first.text(), /^lateen_same_total 1$/m);
    assert.match(await second.text(), /^lateen_same_total 0$/m);
  });

  test("refuses one name twice in one part", () => {
    const metrics = new Metrics();
    metrics.gauge("lateen_once", "Once.");
    assert.throws(() => metrics.gauge("lateen_once", "Once."), /already been registered/);
  });

  test("adds the process's own where asked", async () => {
    const metrics = new Metrics();
    metrics.collectProcess();
    assert.match(await metrics.text(), /^process_cpu_seconds_total/m);
  });
});
