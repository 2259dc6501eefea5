import assert from "node:assert/strict";
import { test } from "node:test";
import { typeUrls } from "../../xds/type-url.ts";
import type { FakeEnvoy } from "./envoy.fake.ts";
import { relayRig, textResource } from "./relay.fake.ts";
import { absenceMs } from "./xds-relay.ts";

const { cluster, endpoint, listener, route } = typeUrls;

test("a rejected resource is named to the control plane, and the version before stays for the next Envoy", () => {
  const { control, connect, envoy, relay } = relayRig();
  connect();
  const refuse = (_name: string, body: string) => (body.endsWith("bad") ? "no such filter" : undefined);
  const proxy = envoy({ refuse });
  proxy.subscribe(listener, []);
  control.set(listener, [textResource("l", "1")]);
  control.set(listener, [textResource("l", "2", "bad")]);
  assert.equal(control.answers(listener).at(-1), "l: no such filter");
  assert.deepEqual(relay.cacheOf(listener).versions(), { l: "1" });
  proxy.disconnect();
  const next = envoy({ refuse });
  next.subscribe(listener, []);
  assert.deepEqual(next.sent(listener), [["l"]]);
  assert.deepEqual(next.inForce(listener), { l: "1" });
});

test("an Envoy that starts while a bad version is on its way gets the good one after it has refused", () => {
  const { control, connect, envoy } = relayRig();
  connect();
  const first = envoy();
  first.subscribe(listener, []);
  control.set(listener, [textResource("l", "1")]);
  first.disconnect();
  control.set(listener, [textResource("l", "2", "bad")]);
  const second = envoy({ refuse: (_, body) => (body === "bad" ? "no" : undefined) });
  second.subscribe(listener, []);
  assert.deepEqual(second.sent(listener), [["l"], ["l"]]);
  assert.deepEqual(second.inForce(listener), { l: "1" });
});

test("one bad resource among many is found by halving, and all the others are applied (F15, R18)", () => {
  const { control, connect, envoy } = relayRig();
  connect();
  const proxy = envoy({ refuse: (name) => (name === "c37" ? "bad cluster" : undefined) });
  proxy.subscribe(cluster, []);
  const many = Array.from({ length: 100 }, (_, at) => textResource(`c${at}`, "1"));
  control.set(cluster, many);
  assert.equal(Object.keys(proxy.inForce(cluster)).length, 99);
  assert.deepEqual(control.answers(cluster), ["ACK", "c37: bad cluster"]);
  assert.ok(proxy.sent(cluster).length < 20, `${proxy.sent(cluster).length} responses`);
});

test("a refused resource that is sent again is tried again, and never acknowledged untried", () => {
  for (const typeUrl of [listener, cluster, endpoint]) {
    const { control, connect, envoy } = relayRig();
    let fixed = false;
    connect();
    const proxy = envoy({ refuse: (name) => (name === "bad" && !fixed ? "no" : undefined) });
    proxy.subscribe(typeUrl, typeUrl === endpoint ? ["good", "bad"] : []);
    const before = control.answers(typeUrl).length;
    control.set(typeUrl, [textResource("good", "1"), textResource("bad", "1")]);
    // As a control plane does that wants to know which one was meant.
    control.set(typeUrl, [textResource("good", "1")]);
    control.set(typeUrl, [textResource("bad", "1")]);
    assert.deepEqual(control.answers(typeUrl).slice(before), ["bad: no", "ACK", "bad: no"]);
    assert.deepEqual(proxy.inForce(typeUrl), { good: "1" });
    fixed = true;
    control.set(typeUrl, [textResource("bad", "1")]);
    assert.equal(control.answers(typeUrl).at(-1), "ACK");
    assert.deepEqual(proxy.inForce(typeUrl), { good: "1", bad: "1" });
  }
});

test("a refused version that is tried again leaves the good one in force if it is refused again", () => {
  const { control, connect, envoy, relay } = relayRig();
  connect();
  const proxy = envoy({ refuse: (_, body) => (body === "bad" ? "no" : undefined) });
  proxy.subscribe(listener, []);
  control.set(listener, [textResource("l", "1")]);
  control.set(listener, [textResource("l", "2", "bad")]);
  control.set(listener, [textResource("l", "2", "bad")]);
  assert.deepEqual(proxy.inForce(listener), { l: "1" });
  assert.deepEqual(relay.cacheOf(listener).versions(), { l: "1" });
  assert.deepEqual(
    [...relay.cacheOf(listener).lastKnownGood()].map(({ version }) => version),
    ["1"],
  );
});

test("listeners that were refused are tried again once one is gone: it may have had their address", () => {
  const { control, connect, envoy } = relayRig();
  connect();
  const proxy: FakeEnvoy = envoy({
    refuse: (name) => (name === "a" && proxy.inForce(listener)["b"] !== undefined ? "duplicate address" : undefined),
  });
  proxy.subscribe(listener, []);
  control.set(listener, [textResource("b", "1")]);
  control.set(listener, [textResource("a", "1"), textResource("c", "1")]);
  assert.deepEqual(proxy.inForce(listener), { b: "1", c: "1" });
  control.set(listener, [], ["c"]);
  assert.deepEqual(proxy.inForce(listener), { b: "1" }, "still in the way");
  control.set(listener, [], ["b"]);
  assert.deepEqual(proxy.inForce(listener), { a: "1" });
  control.set(listener, [textResource("a", "1")]);
  assert.equal(control.answers(listener).at(-1), "ACK");
});

test("what was refused is not tried again where its author has returned to the good version while nobody was connected", () => {
  const { control, connect, envoy } = relayRig();
  connect();
  const proxy: FakeEnvoy = envoy({
    refuse: (_, body) => (body === "on b's port" && proxy.inForce(listener)["b"] !== undefined ? "no" : undefined),
  });
  proxy.subscribe(listener, []);
  control.set(listener, [textResource("b", "1"), textResource("a", "1")]);
  control.set(listener, [textResource("a", "2", "on b's port")]);
  control.disconnect();
  control.set(listener, [textResource("a", "1")]);
  connect();
  control.set(listener, [], ["b"]);
  assert.deepEqual(proxy.inForce(listener), { a: "1" });
});

test("a control plane that comes back, or is a new one, sends what was refused again, and hears again of it", () => {
  const { control, connect, envoy } = relayRig();
  connect();
  const proxy = envoy({ refuse: (_, body) => (body === "bad" ? "no" : undefined) });
  proxy.subscribe(listener, []);
  control.set(listener, [textResource("changed", "1"), textResource("new", "1", "bad")]);
  control.set(listener, [textResource("changed", "2", "bad")]);
  control.disconnect();
  control.requests.length = 0;
  connect();
  assert.deepEqual(control.requests.find(({ typeUrl }) => typeUrl === listener)?.initialResourceVersions, {
    changed: "1",
    new: "",
  });
  assert.deepEqual(control.answers(listener), ["changed: no; new: no"]);
  assert.deepEqual(proxy.inForce(listener), { changed: "1" });
});

test("an Envoy that rejects everything is answered a bounded number of times (X6)", () => {
  const { control, connect, envoy } = relayRig();
  connect();
  const proxy = envoy({ refuse: () => "no" });
  proxy.subscribe(cluster, []);
  control.set(
    cluster,
    Array.from({ length: 50 }, (_, at) => textResource(`c${at}`, "1")),
  );
  assert.ok(proxy.sent(cluster).length <= 100, `${proxy.sent(cluster).length} responses`);
  assert.deepEqual(proxy.inForce(cluster), {});
});

test("what one Envoy accepted and the next one refuses is not sent for ever", () => {
  const { control, connect, envoy } = relayRig();
  connect();
  const first = envoy();
  first.subscribe(cluster, []);
  control.set(cluster, [textResource("c", "1")]);
  first.disconnect();
  const second = envoy({ refuse: () => "no" });
  second.subscribe(cluster, []);
  // Once more, so that the control plane has a response that can be rejected.
  assert.deepEqual(second.sent(cluster), [["c"], ["c"]]);
  const third = envoy({ refuse: () => "no" });
  third.subscribe(cluster, []);
  assert.deepEqual(third.sent(cluster), [[]]);
});

test("a version that was good and is refused by the next Envoy is not sent for ever", () => {
  const { control, connect, envoy } = relayRig();
  connect();
  const first = envoy({ refuse: (_, body) => (body === "new" ? "no" : undefined) });
  first.subscribe(cluster, []);
  control.set(cluster, [textResource("c", "1", "old")]);
  control.set(cluster, [textResource("c", "2", "new")]);
  first.disconnect();
  const second = envoy({ refuse: () => "no" });
  second.subscribe(cluster, []);
  assert.deepEqual(second.sent(cluster), [["c"]]);
});

test("nor is a good version that was returned to, and is refused by the next Envoy", () => {
  const { control, connect, envoy, relay } = relayRig();
  connect();
  const first = envoy({ refuse: (_, body) => (body === "bad" ? "no" : undefined) });
  first.subscribe(cluster, []);
  control.set(cluster, [textResource("c", "1")]);
  control.set(cluster, [textResource("c", "2", "bad")]);
  control.set(cluster, [textResource("c", "1")]);
  first.disconnect();
  const second = envoy({ refuse: () => "no" });
  second.subscribe(cluster, []);
  assert.deepEqual(second.sent(cluster), [["c"], ["c"]], "once more for the control plane, as above");
  assert.deepEqual(control.answers(cluster).slice(-1), ["c: no"]);
  assert.equal(relay.cacheOf(cluster).get("c"), undefined);
});

test("clusters and listeners are not acknowledged before an Envoy has decided about them", () => {
  for (const typeUrl of [cluster, listener]) {
    const { control, connect, envoy } = relayRig();
    control.set(typeUrl, [textResource("good", "1"), textResource("bad", "1")]);
    connect();
    assert.deepEqual(control.answers(typeUrl), []);
    const other = envoy();
    other.subscribe(route, ["8080"]);
    assert.deepEqual(control.answers(typeUrl), [], "it has not asked for them yet");
    const proxy = envoy({ refuse: (name) => (name === "bad" ? "no" : undefined) });
    proxy.subscribe(typeUrl, []);
    assert.deepEqual(control.answers(typeUrl), ["bad: no"]);
    assert.deepEqual(proxy.inForce(typeUrl), { good: "1" });
  }
});

test("what an Envoy has not decided about when it goes is decided by the next one", () => {
  const { control, connect, envoy } = relayRig();
  connect();
  const first = envoy({ holds: (typeUrl) => typeUrl === cluster });
  first.subscribe(cluster, []);
  first.release();
  control.set(cluster, [textResource("c", "1")]);
  first.disconnect();
  assert.deepEqual(control.answers(cluster), ["ACK"]);
  const second = envoy({ refuse: () => "no" });
  second.subscribe(cluster, []);
  assert.deepEqual(control.answers(cluster), ["ACK", "c: no"]);
});

test("while no Envoy is there the caches are kept current all the same, and what nobody must see is acknowledged", async () => {
  const { control, connect, envoy, clock } = relayRig();
  connect();
  control.set(cluster, [textResource("c", "1")]);
  assert.deepEqual(control.answers(cluster), ["ACK"], "the first answer was empty");
  control.set(cluster, [], ["c"]);
  assert.deepEqual(control.answers(cluster), ["ACK", "ACK", "ACK"], "nobody needs to see what is gone");
  control.set(cluster, [textResource("c", "2")]);
  await clock.advance(absenceMs);
  assert.deepEqual(control.answers(cluster).slice(3), ["ACK"]);
  control.set(cluster, [textResource("c", "3")]);
  assert.deepEqual(control.answers(cluster).slice(3), ["ACK", "ACK"]);
  const proxy = envoy();
  proxy.subscribe(cluster, []);
  assert.deepEqual(proxy.inForce(cluster), { c: "3" });
  proxy.disconnect();
  control.set(cluster, [textResource("c", "3")]);
  assert.deepEqual(control.answers(cluster).slice(5), ["ACK"], "an Envoy has taken this version");
});

test("a refusal that comes after the acknowledgement reaches the control plane too, once", async () => {
  const { control, connect, envoy, clock } = relayRig();
  control.set(cluster, [textResource("good", "1"), textResource("bad", "1")]);
  connect();
  await clock.advance(absenceMs);
  assert.deepEqual(control.answers(cluster), ["ACK"]);
  const refuse = (name: string) => (name === "bad" ? "no" : undefined);
  const proxy = envoy({ refuse });
  proxy.subscribe(cluster, []);
  assert.deepEqual(control.answers(cluster), ["ACK", "bad: no"]);
  const asked = control.requests.filter(({ resourceNamesSubscribe }) => resourceNamesSubscribe.includes("bad"));
  assert.deepEqual(
    asked.map(({ typeUrl, responseNonce, errorDetail }) => [typeUrl, responseNonce, errorDetail?.message]),
    [[cluster, "", "bad: no"]],
  );
  proxy.disconnect();
  envoy({ refuse }).subscribe(cluster, []);
  assert.deepEqual(control.answers(cluster), ["ACK", "bad: no"]);
});

test("what the next Envoy refuses of what the one before had taken reaches the control plane", () => {
  const { control, connect, envoy } = relayRig();
  control.set(route, [textResource("8080", "1")]);
  control.set(listener, [textResource("l", "1")]);
  connect();
  const first = envoy();
  first.subscribe(listener, []);
  first.subscribe(route, ["8080"]);
  first.disconnect();
  const second = envoy({ refuse: () => "no" });
  second.subscribe(listener, []);
  second.subscribe(route, ["8080"]);
  assert.deepEqual(control.answers(listener), ["ACK", "l: no"]);
  assert.deepEqual(control.answers(route), ["ACK", "8080: no"]);
});

test("what Envoy refuses of what was kept on the disk reaches the control plane, when it is there", () => {
  for (const connectedFirst of [true, false]) {
    const { control, connect, envoy, relay } = relayRig();
    const stored = { name: "l", version: "1", bodyType: listener, body: textResource("l", "1").body };
    relay.cacheOf(listener).restore([stored]);
    control.set(listener, [textResource("l", "1")]);
    if (connectedFirst) connect();
    assert.deepEqual(control.answers(listener), connectedFirst ? ["ACK"] : []);
    const proxy = envoy({ refuse: () => "no" });
    proxy.subscribe(listener, []);
    if (!connectedFirst) connect();
    assert.equal(control.answers(listener).at(-1), "l: no");
  }
});

test("a refusal that comes when the stream to the control plane is another one reaches it", () => {
  const { control, connect, envoy } = relayRig();
  connect();
  let holding = false;
  const proxy = envoy({ holds: () => holding, refuse: (name) => (name === "bad" ? "no" : undefined) });
  proxy.subscribe(listener, []);
  holding = true;
  control.set(listener, [textResource("bad", "1")]);
  control.disconnect();
  control.requests.length = 0;
  connect();
  holding = false;
  proxy.release();
  assert.deepEqual(control.answers(listener), ["ACK", "bad: no"]);
});

test("a late refusal of what is overtaken, or not wanted any more, is nobody's business", () => {
  const { control, connect, envoy } = relayRig();
  control.set(route, [textResource("8080", "1", "bad"), textResource("9090", "1", "bad")]);
  connect();
  let holding = true;
  const proxy = envoy({ holds: () => holding, refuse: (_, body) => (body === "bad" ? "no" : undefined) });
  proxy.subscribe(route, ["8080"]);
  control.set(route, [textResource("8080", "2")]);
  control.disconnect();
  connect();
  holding = false;
  proxy.release();
  assert.deepEqual(proxy.inForce(route), { "8080": "2" });
  assert.deepEqual(control.answers(route).at(-1) ?? "ACK", "ACK");
  holding = true;
  proxy.subscribe(route, ["9090"]);
  control.disconnect();
  connect();
  proxy.unsubscribe(route, ["9090"]);
  holding = false;
  proxy.release();
  assert.deepEqual([...control.names(route)], ["8080"]);
});
