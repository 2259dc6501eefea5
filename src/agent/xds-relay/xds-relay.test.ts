import assert from "node:assert/strict";
import { test } from "node:test";
import { typeUrls } from "../../xds/type-url.ts";
import { FakeControlPlane } from "./control-plane.fake.ts";
import { FakeEnvoy, type FakeEnvoyOptions } from "./envoy.fake.ts";
import { orderHoldMs } from "./envoy-stream.ts";
import { edsCluster, fakeRelay, textResource } from "./relay.fake.ts";
import { absenceMs, lingerMs } from "./xds-relay.ts";

const { cluster, endpoint, listener, route, nameTable, query } = typeUrls;

function setUp() {
  const { relay, clock, lines } = fakeRelay();
  const control = new FakeControlPlane();
  return {
    relay,
    clock,
    lines,
    control,
    connect: () => control.connect((send) => relay.openUpstream(send)),
    envoy: (options?: FakeEnvoyOptions) => new FakeEnvoy((call) => relay.acceptEnvoy(call), options),
  };
}

test("Envoy's first wildcard request waits for the control plane's word and is then answered even if empty", () => {
  const { control, connect, envoy } = setUp();
  const proxy = envoy();
  proxy.subscribe(cluster, []);
  assert.deepEqual(proxy.sent(cluster), []);
  connect();
  assert.deepEqual(proxy.sent(cluster), [[]]);
  assert.deepEqual(control.answers(cluster), ["ACK"]);
});

test("what the control plane sends reaches Envoy, and its answer goes back when Envoy has given its own", () => {
  const { control, connect, envoy } = setUp();
  connect();
  const proxy = envoy({ holds: (typeUrl) => typeUrl === listener });
  proxy.subscribe(listener, []);
  proxy.release();
  control.set(listener, [textResource("l1", "1")]);
  const before = control.answers(listener).length;
  assert.deepEqual(proxy.sent(listener).at(-1), ["l1"]);
  proxy.release();
  assert.equal(control.answers(listener).length, before + 1);
  assert.deepEqual(proxy.inForce(listener), { l1: "1" });
});

test("only one response of a type is in flight, and the newest version wins", () => {
  const { control, connect, envoy } = setUp();
  connect();
  const proxy = envoy({ holds: () => true });
  proxy.subscribe(listener, []);
  for (const version of ["1", "2", "3"]) control.set(listener, [textResource("l", version)]);
  assert.deepEqual(proxy.sent(listener), [[]]);
  proxy.release();
  assert.deepEqual(proxy.sent(listener), [[], ["l"]]);
  proxy.release();
  assert.deepEqual(proxy.inForce(listener), { l: "3" });
  assert.deepEqual(control.answers(listener), ["ACK", "ACK", "ACK", "ACK"]);
});

test("the node goes out once, and a reconnect tells the versions that are held so that nothing is sent again", () => {
  const { relay, control, connect, envoy } = setUp();
  control.set(cluster, [textResource("c1", "1"), textResource("c2", "1")]);
  connect();
  const proxy = envoy();
  proxy.subscribe(cluster, []);
  control.disconnect();
  control.requests.length = 0;
  connect();
  assert.equal(control.requests.filter((request) => request.node !== undefined).length, 1);
  const first = control.requests.find((request) => request.typeUrl === cluster);
  assert.deepEqual(first?.initialResourceVersions, { c1: "1", c2: "1" });
  assert.deepEqual(proxy.sent(cluster), [["c1", "c2"]]);
  assert.equal(relay.cacheOf(cluster).size, 2);
});

test("a control plane without versions is served too: the content's hash takes their place", () => {
  const { control, connect, envoy } = setUp();
  connect();
  const proxy = envoy();
  proxy.subscribe(cluster, []);
  control.set(cluster, [textResource("c", "", "body")]);
  control.set(cluster, [textResource("c", "", "body")]);
  assert.deepEqual(proxy.sent(cluster), [[], ["c"]]);
  assert.match(proxy.inForce(cluster)["c"] ?? "", /^[\w-]{22}$/);
});

test("with the control plane away a new Envoy gets everything from the cache", () => {
  const { control, connect, envoy } = setUp();
  control.set(cluster, [textResource("c", "1")]);
  control.set(endpoint, [textResource("c", "1")]);
  connect();
  const first = envoy();
  first.subscribe(cluster, []);
  first.subscribe(endpoint, ["c"]);
  control.disconnect();
  first.disconnect();
  const second = envoy();
  second.subscribe(cluster, []);
  second.subscribe(endpoint, ["c"]);
  assert.deepEqual(second.inForce(cluster), { c: "1" });
  assert.deepEqual(second.inForce(endpoint), { c: "1" });
});

test("an Envoy that reconnects with what it has gets only what changed and what is gone", () => {
  const { control, connect, envoy } = setUp();
  control.set(cluster, [textResource("same", "1"), textResource("changed", "2")]);
  connect();
  const proxy = envoy();
  proxy.subscribe(cluster, [], { same: "1", changed: "1", gone: "1" });
  assert.deepEqual(proxy.sent(cluster), [["changed", "-gone"]]);
});

test("a rejected resource is named to the control plane, and the version before stays for the next Envoy", () => {
  const { control, connect, envoy, relay } = setUp();
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
  const { control, connect, envoy } = setUp();
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
  const { control, connect, envoy } = setUp();
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
    const { control, connect, envoy } = setUp();
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
  const { control, connect, envoy, relay } = setUp();
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
  const { control, connect, envoy } = setUp();
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
  const { control, connect, envoy } = setUp();
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
  const { control, connect, envoy } = setUp();
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
  const { control, connect, envoy } = setUp();
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
  const { control, connect, envoy } = setUp();
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
  const { control, connect, envoy } = setUp();
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
  const { control, connect, envoy, relay } = setUp();
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

test("a changed EDS cluster is followed at once by its load assignment, even if unchanged (DESIGN law 4)", () => {
  const { control, connect, envoy } = setUp();
  control.set(cluster, [edsCluster("c", "1"), edsCluster("d", "1")]);
  control.set(endpoint, [textResource("c", "1"), textResource("d", "1")]);
  connect();
  let warming = false;
  const proxy = envoy({ holds: (typeUrl) => warming && typeUrl === cluster });
  proxy.subscribe(cluster, []);
  proxy.subscribe(endpoint, ["c", "d"]);
  warming = true; // Envoy keeps its answer until the load assignment is there
  control.set(cluster, [edsCluster("c", "2")]);
  assert.deepEqual(proxy.sent(endpoint), [["c", "d"], ["c"]]);
});

test("a changed listener is followed by the routes it names", () => {
  const { control, connect, envoy } = setUp();
  control.set(listener, [textResource("l", "1", "rds: 8080"), textResource("m", "1", "rds: 9090")]);
  control.set(route, [textResource("8080", "1"), textResource("9090", "1")]);
  connect();
  const proxy = envoy();
  proxy.subscribe(listener, []);
  proxy.subscribe(route, ["8080", "9090"]);
  control.set(listener, [textResource("l", "2", "rds: 8080")]);
  assert.deepEqual(proxy.sent(route), [["8080", "9090"], ["8080"]]);
});

test("a load assignment or route that the control plane sends again unchanged is delivered again", () => {
  const { control, connect, envoy } = setUp();
  control.set(endpoint, [textResource("c", "1")]);
  connect();
  const proxy = envoy();
  proxy.subscribe(endpoint, ["c"]);
  control.set(endpoint, [textResource("c", "1")]);
  assert.deepEqual(proxy.sent(endpoint), [["c"], ["c"]]);
});

test("routes wait for the clusters they may name, but not for ever", async () => {
  const { control, connect, envoy, clock } = setUp();
  connect();
  let warming = false;
  control.set(route, [textResource("8080", "1")]);
  const proxy = envoy({ holds: (typeUrl) => warming && typeUrl === cluster });
  proxy.subscribe(cluster, []);
  proxy.subscribe(route, ["8080"]);
  warming = true;
  control.set(cluster, [textResource("new", "1")]);
  control.set(route, [textResource("8080", "2")]);
  assert.deepEqual(proxy.inForce(route), { "8080": "1" });
  proxy.release();
  assert.deepEqual(proxy.inForce(route), { "8080": "2" });
  control.set(cluster, [textResource("slow", "1")]);
  control.set(route, [textResource("8080", "3")]);
  assert.deepEqual(proxy.inForce(route), { "8080": "2" });
  await clock.advance(orderHoldMs);
  assert.deepEqual(proxy.inForce(route), { "8080": "3" });
});

test("a cluster is removed only after the routes that named it", () => {
  const { control, connect, envoy } = setUp();
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

test("a name that does not exist is said so, also to an Envoy that asks later", () => {
  const { connect, envoy } = setUp();
  connect();
  const first = envoy();
  first.subscribe(route, ["nowhere"]);
  assert.deepEqual(first.sent(route), [["-nowhere"]]);
  const second = envoy();
  second.subscribe(route, ["nowhere"]);
  assert.deepEqual(second.sent(route), [["-nowhere"]]);
});

test("a name that is asked for again is sent again", () => {
  const { control, connect, envoy } = setUp();
  control.set(endpoint, [textResource("c", "1")]);
  connect();
  const proxy = envoy();
  proxy.subscribe(endpoint, ["c"]);
  proxy.unsubscribe(endpoint, ["c"]);
  assert.deepEqual([...control.names(endpoint)], []);
  proxy.subscribe(endpoint, ["c"]);
  proxy.subscribe(endpoint, ["c"]);
  assert.deepEqual(proxy.sent(endpoint), [["c"], ["c"], ["c"]]);
});

test("names of an Envoy that went away are kept current until the next one has had time to ask", async () => {
  const { control, connect, envoy, clock, relay } = setUp();
  control.set(endpoint, [textResource("kept", "1"), textResource("unused", "1")]);
  connect();
  const first = envoy();
  first.subscribe(endpoint, ["kept", "unused"]);
  first.disconnect();
  assert.deepEqual([...control.names(endpoint)], ["kept", "unused"]);
  control.set(endpoint, [textResource("kept", "2")]);
  const second = envoy();
  second.subscribe(endpoint, ["kept"]);
  assert.deepEqual(second.inForce(endpoint), { kept: "2" });
  await clock.advance(lingerMs);
  assert.deepEqual([...control.names(endpoint)], ["kept"]);
  assert.deepEqual([...relay.cacheOf(endpoint).names()], ["kept"]);
});

test("clusters and listeners are not acknowledged before an Envoy has decided about them", () => {
  for (const typeUrl of [cluster, listener]) {
    const { control, connect, envoy } = setUp();
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
  const { control, connect, envoy } = setUp();
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
  const { control, connect, envoy, clock } = setUp();
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

test("load assignments are acknowledged while Envoy is away: few of them will be asked for again", () => {
  const { control, connect, envoy } = setUp();
  control.set(endpoint, [textResource("c", "1")]);
  connect();
  const proxy = envoy({ holds: () => true });
  proxy.subscribe(endpoint, ["c"]);
  assert.deepEqual(control.answers(endpoint), []);
  proxy.disconnect();
  assert.deepEqual(control.answers(endpoint), ["ACK"]);
  control.set(endpoint, [textResource("c", "2")]);
  assert.deepEqual(control.answers(endpoint), ["ACK", "ACK"]);
});

test("a refusal that comes after the acknowledgement reaches the control plane too, once", async () => {
  const { control, connect, envoy, clock } = setUp();
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
  const { control, connect, envoy } = setUp();
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
    const { control, connect, envoy, relay } = setUp();
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
  const { control, connect, envoy } = setUp();
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
  const { control, connect, envoy } = setUp();
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

test("the agent follows its own types, and says what it cannot use", () => {
  const { relay, control, connect } = setUp();
  const tables: string[] = [];
  relay.follow(nameTable, (cache) => {
    const text = new TextDecoder().decode(cache.get("")?.body);
    if (text === "broken") throw new TypeError("not a table");
    tables.push(text);
  });
  relay.follow(query, () => {});
  connect();
  control.set(nameTable, [textResource("", "1", "table")]);
  control.set(nameTable, [textResource("", "2", "broken")]);
  assert.deepEqual(tables.slice(-1), ["table"]);
  assert.deepEqual(control.answers(nameTable).slice(-2), ["ACK", "not a table"]);
  control.set(nameTable, [textResource("", "2", "broken")]);
  assert.deepEqual(control.answers(nameTable).slice(-2), ["not a table", "not a table"]);
  assert.equal(relay.cacheOf(nameTable).get("")?.version, "1");
});

test("types that were never asked for, and types that are not Envoy's, are ignored (X3)", () => {
  const { relay, control, connect, envoy } = setUp();
  connect();
  control.send("type.googleapis.com/envoy.service.runtime.v3.Runtime", [textResource("x", "1")]);
  const proxy = envoy();
  proxy.subscribe("istio.io/debug", ["config_dump"]);
  proxy.subscribe("x".repeat(1 << 20), ["y"]);
  assert.deepEqual(proxy.responses, []);
  assert.equal(relay.envoyConfigured, false);
});

test("Envoy counts as configured once it has taken clusters and listeners", () => {
  const { relay, connect, envoy } = setUp();
  connect();
  const proxy = envoy();
  proxy.subscribe(cluster, []);
  assert.equal(relay.envoyConfigured, false);
  proxy.subscribe(listener, []);
  assert.equal(relay.envoyConfigured, true);
  proxy.disconnect();
  assert.equal(relay.envoyConfigured, false);
});
