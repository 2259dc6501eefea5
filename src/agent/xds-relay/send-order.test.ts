import assert from "node:assert/strict";
import { test } from "node:test";
import { typeUrls } from "../../xds/type-url.ts";
import { drainTimeMs } from "../envoy/drain-time.ts";
import { edsCluster, relayRig, textResource } from "./relay.fake.ts";
import { firstRoutesHoldMs, orderHoldMs } from "./send-order.ts";
import { longestTurnMs } from "./update-pace.ts";

const { cluster, endpoint, listener, route } = typeUrls;

test("routes wait for the new clusters that they name, others go, and none waits for ever", async () => {
  const { control, connect, envoy, clock, lines } = relayRig();
  connect();
  let warming = false;
  control.set(route, [textResource("8080", "1"), textResource("9090", "1")]);
  const proxy = envoy({ holds: (typeUrl) => warming && typeUrl === cluster });
  proxy.subscribe(cluster, []);
  proxy.subscribe(route, ["8080", "9090"]);
  warming = true;
  control.set(cluster, [textResource("outbound|80||new", "1")]);
  control.set(route, [textResource("8080", "2", "to outbound|80||new"), textResource("9090", "2")]);
  await clock.advance(orderHoldMs - 1);
  assert.deepEqual(proxy.inForce(route), { "8080": "1", "9090": "2" });
  proxy.release();
  assert.deepEqual(proxy.inForce(route), { "8080": "2", "9090": "2" });
  control.set(cluster, [textResource("outbound|80||new", "2")]);
  control.set(route, [textResource("8080", "3", "to outbound|80||new")]);
  await clock.advance(longestTurnMs);
  assert.deepEqual(proxy.inForce(route), { "8080": "3", "9090": "2" }, "Envoy goes on with what it has of the cluster");
  proxy.release();
  control.set(cluster, [textResource("outbound|80||slow", "1")]);
  control.set(route, [textResource("8080", "4", "to outbound|80||slow")]);
  await clock.advance(orderHoldMs - 1);
  assert.deepEqual(proxy.inForce(route), { "8080": "3", "9090": "2" });
  assert.equal(lines.length, 0);
  await clock.advance(1);
  assert.deepEqual(proxy.inForce(route), { "8080": "4", "9090": "2" });
  assert.equal(lines.length, 1, "which is said");
});

test("routes and listeners go after the load assignments that came before them", () => {
  const { control, connect, envoy } = relayRig();
  control.set(endpoint, [textResource("c", "empty"), textResource("d", "1")]);
  control.set(route, [textResource("8080", "1", "to d")]);
  control.set(listener, [textResource("l", "1", "to d")]);
  connect();
  let isSlow = false;
  const proxy = envoy({ holds: (typeUrl) => isSlow && typeUrl === endpoint });
  proxy.subscribe(listener, []);
  proxy.subscribe(endpoint, ["c", "d"]);
  proxy.subscribe(route, ["8080"]);
  isSlow = true;
  control.set(endpoint, [textResource("d", "2")]);
  control.set(endpoint, [textResource("c", "2")]);
  control.set(route, [textResource("8080", "2", "to c")]);
  control.set(listener, [textResource("l", "2", "to c")]);
  assert.deepEqual([proxy.inForce(route), proxy.inForce(listener)], [{ "8080": "1" }, { l: "1" }]);
  proxy.release();
  assert.deepEqual(proxy.sent(endpoint).slice(-2), [["d"], ["c"]]);
  assert.deepEqual([proxy.inForce(route), proxy.inForce(listener)], [{ "8080": "2" }, { l: "2" }]);
});

test("routes to a cluster of which Envoy was told that it has no endpoints wait as if it were new", async () => {
  const { control, connect, envoy, clock } = relayRig();
  control.set(cluster, [edsCluster("<c>", "1")]);
  connect();
  const proxy = envoy();
  proxy.subscribe(cluster, []);
  proxy.subscribe(endpoint, ["<c>"]);
  proxy.subscribe(route, ["8080"]);
  assert.deepEqual(proxy.sent(endpoint), [["-<c>"]]);
  control.set(route, [textResource("8080", "1", "to <c>")]);
  assert.deepEqual(proxy.inForce(route), {});
  control.set(endpoint, [textResource("<c>", "1")]);
  assert.deepEqual(proxy.inForce(route), { "8080": "1" });
  control.set(endpoint, [], ["<c>"]);
  proxy.unsubscribe(endpoint, ["<c>"]);
  proxy.subscribe(endpoint, ["<c>"]);
  control.set(route, [textResource("8080", "2", "to <c>")]);
  await clock.advance(orderHoldMs);
  assert.deepEqual(proxy.inForce(route), { "8080": "2" }, "it never comes");
  control.set(route, [textResource("8080", "3", "to <c>")]);
  await clock.advance(longestTurnMs);
  assert.deepEqual(proxy.inForce(route), { "8080": "3" }, "and is not waited for again");
});

test("routes that a listener of Envoy waits for go before it opens without any", async () => {
  const { control, connect, envoy, clock, lines } = relayRig();
  control.set(cluster, [edsCluster("<c>", "1")]);
  control.set(route, [textResource("8080", "1", "to <c>")]);
  connect();
  const proxy = envoy();
  proxy.subscribe(cluster, []);
  proxy.subscribe(endpoint, ["<c>"]);
  proxy.subscribe(route, ["8080"]);
  await clock.advance(firstRoutesHoldMs - 1);
  assert.deepEqual(proxy.inForce(route), {});
  assert.ok(firstRoutesHoldMs < 15_000, "Envoy's initial_fetch_timeout");
  await clock.advance(1);
  assert.deepEqual(proxy.inForce(route), { "8080": "1" });
  assert.equal(lines.at(-1)?.["waitedMs"], firstRoutesHoldMs);
});

test("a cluster that was changed before its load assignment went is given the last one: Envoy may still use it", () => {
  const { control, connect, envoy } = relayRig();
  control.set(cluster, [edsCluster("c", "1")]);
  control.set(endpoint, [textResource("c", "1")]);
  control.set(route, [textResource("8080", "1", "to c")]);
  connect();
  let isSlow = false;
  const proxy = envoy({ holds: (typeUrl) => isSlow && typeUrl === route });
  proxy.subscribe(cluster, []);
  proxy.subscribe(endpoint, ["c"]);
  proxy.subscribe(route, ["8080"]);
  isSlow = true;
  control.set(route, [textResource("8080", "2", "elsewhere")]);
  control.set(cluster, [], ["c"]);
  control.set(endpoint, [], ["c"]);
  assert.deepEqual(proxy.inForce(cluster), { c: "1" }, "it waits for the routes");
  control.set(cluster, [edsCluster("c", "2")]);
  assert.deepEqual(proxy.sent(endpoint), [["c"], ["c"]], "and is warm at once when it comes back as another one");
  control.set(endpoint, [textResource("c", "2")]);
  assert.deepEqual(proxy.sent(endpoint), [["c"], ["c"], ["c"]]);
  proxy.unsubscribe(endpoint, ["c"]);
  control.send(endpoint, [], ["c"]);
  proxy.subscribe(endpoint, ["c"]);
  assert.deepEqual(proxy.inForce(endpoint), { c: "2" });
});

test("a cluster is removed only after the routes that named it", () => {
  const { control, connect, envoy } = relayRig();
  control.set(cluster, [textResource("old", "1")]);
  control.set(route, [textResource("8080", "1", "to old")]);
  connect();
  let busy = false;
  const proxy = envoy({ holds: (typeUrl) => busy && typeUrl === route });
  proxy.subscribe(cluster, []);
  proxy.subscribe(route, ["8080"]);
  busy = true;
  control.set(route, [textResource("8080", "2", "elsewhere")]);
  control.set(cluster, [], ["old"]);
  assert.deepEqual(proxy.inForce(cluster), { old: "1" });
  proxy.release();
  assert.deepEqual(proxy.inForce(cluster), {});
});

test("a cluster is removed when Envoy refuses the routes that come after those it has from before", () => {
  const { control, connect, envoy } = relayRig();
  control.set(cluster, [textResource("old", "1")]);
  control.set(route, [textResource("8080", "1", "elsewhere")]);
  connect();
  const first = envoy();
  first.subscribe(cluster, []);
  first.subscribe(route, ["8080"]);
  first.disconnect();
  control.set(route, [textResource("8080", "2", "bad")]);
  const second = envoy({
    holds: (typeUrl) => typeUrl === route,
    refuse: (_, body) => (body === "bad" ? "no" : undefined),
  });
  second.subscribe(cluster, [], { old: "1" });
  second.subscribe(route, ["8080"], { "8080": "1" });
  control.set(cluster, [], ["old"]);
  assert.deepEqual(second.sent(cluster), [[]], "it may be named by the routes that this stream has not seen");
  second.release();
  second.release(); // it came once more, for the control plane
  assert.deepEqual(second.inForce(route), {}, "of the routes it goes on with what it has");
  assert.deepEqual(second.sent(cluster), [[], ["-old"]]);
});

test("a cluster stays as long as routes are on their way that replace those which name it, however long that takes", async () => {
  const { control, connect, envoy, clock } = relayRig();
  control.set(cluster, [textResource("outbound|80||old", "1"), textResource("outbound|80||other", "1")]);
  control.set(route, [textResource("8080", "1", "to outbound|80||old")]);
  connect();
  let busy = false;
  const proxy = envoy({ holds: (typeUrl) => busy && typeUrl === route });
  proxy.subscribe(cluster, []);
  proxy.subscribe(route, ["8080"]);
  busy = true;
  control.set(route, [textResource("8080", "2", "elsewhere")]);
  control.set(cluster, [], ["outbound|80||old", "outbound|80||other"]);
  assert.deepEqual(proxy.inForce(cluster), { "outbound|80||old": "1" }, "what no route names goes at once");
  assert.deepEqual(control.answers(cluster), ["ACK", "ACK"], "the control plane need not wait with what comes next");
  await clock.advance(10 * orderHoldMs);
  assert.deepEqual(proxy.inForce(cluster), { "outbound|80||old": "1" });
  control.set(route, [textResource("8080", "3", "elsewhere, too")]);
  proxy.release();
  assert.deepEqual(proxy.inForce(cluster), {}, "the newest routes need not be there for that");
});

test("a cluster stays while the connections of a listener that named it are drained", async () => {
  const { control, connect, envoy, clock } = relayRig();
  control.set(cluster, [textResource("inbound|80||", "1")]);
  control.set(listener, [textResource("l", "1", "to inbound|80||")]);
  connect();
  const proxy = envoy();
  proxy.subscribe(cluster, []);
  proxy.subscribe(listener, []);
  control.set(listener, [textResource("l", "2", "elsewhere")]);
  control.set(cluster, [], ["inbound|80||"]);
  await clock.advance(drainTimeMs - 1);
  assert.deepEqual(proxy.inForce(cluster), { "inbound|80||": "1" });
  await clock.advance(1);
  assert.deepEqual(proxy.inForce(cluster), {});
});
