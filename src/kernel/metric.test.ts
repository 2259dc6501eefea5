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

  test("asks at each scrape for what is counted elsewhere, and forgets series that are gone", async () => {
    const metrics = new Metrics();
    const counts = new Map([["a", 1]]);
    const read = () => [...counts].map(([name, value]) => [{ name }, value] as const);
    metrics.readCounter("lateen_read_total", "Read.", ["name"], read);
    metrics.readGauge("lateen_read", "Read.", ["name"], read);
    assert.match(await metrics.text(), /^lateen_read_total\{name="a"\} 1$/m);
    counts.clear();
    counts.set("b", 2);
    const text = await metrics.text();
    assert.match(text, /^lateen_read_total\{name="b"\} 2$/m);
    assert.match(text, /^lateen_read\{name="b"\} 2$/m);
    assert.doesNotMatch(text, /name="a"/);
  });

  test("describes what is registered without reading values", () => {
    const metrics = new Metrics();
    metrics.readGauge("lateen_b", "B.", [], () => {
      throw new RangeError("read");
    });
    metrics.histogram("lateen_a_seconds", "A.", [1], ["type"]);
    metrics.counter("lateen_c_total", "C.");
    assert.deepEqual(metrics.describe(), [
      { name: "lateen_a_seconds", help: "A.", type: "histogram", labels: ["type"] },
      { name: "lateen_b", help: "B.", type: "gauge", labels: [] },
      { name: "lateen_c_total", help: "C.", type: "counter", labels: [] },
    ]);
  });

  test("adds the process's own where asked", async () => {
    const metrics = new Metrics();
    metrics.collectProcess();
    assert.match(await metrics.text(), /^process_cpu_seconds_total/m);
  });
});
