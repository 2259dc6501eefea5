import assert from "node:assert/strict";
import { test } from "node:test";
import { typeUrls } from "../../xds/type-url.ts";
import { FakeEnvoy } from "./envoy.fake.ts";
import { lingerMs } from "./linger-time.ts";
import { edsCluster, rebootedRelay, relayRig, textResource } from "./relay.fake.ts";

const { cluster, endpoint, listener, route, nameTable, query } = typeUrls;

test("Envoy's first wildcard request waits for the control plane's word and is then answered even if empty", () => {
  const { control, connect, envoy } = relayRig();
  const proxy = envoy();
  proxy.subscribe(cluster, []);
  assert.deepEqual(proxy.sent(cluster), []);
  connect();
  assert.deepEqual(proxy.sent(cluster), [[]]);
  assert.deepEqual(control.answers(cluster), ["ACK"]);
});

test("what the control plane sends reaches Envoy, and its answer goes back when Envoy has given its own", () => {
  const { control, connect, envoy } = relayRig();
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
  const { control, connect, envoy } = relayRig();
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
  const { relay, control, connect, envoy } = relayRig();
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
  const { control, connect, envoy } = relayRig();
  connect();
  const proxy = envoy();
  proxy.subscribe(cluster, []);
  control.set(cluster, [textResource("c", "", "body")]);
  control.set(cluster, [textResource("c", "", "body")]);
  assert.deepEqual(proxy.sent(cluster), [[], ["c"]]);
  assert.match(proxy.inForce(cluster)["c"] ?? "", /^[\w-]{22}$/);
});

test("with the control plane away a new Envoy gets everything from the cache", () => {
  const { control, connect, envoy } = relayRig();
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
  const { control, connect, envoy } = relayRig();
  control.set(cluster, [textResource("same", "1"), textResource("changed", "2")]);
  connect();
  const proxy = envoy();
  proxy.subscribe(cluster, [], { same: "1", changed: "1", gone: "1" });
  assert.deepEqual(proxy.sent(cluster), [["changed", "-gone"]]);
});

test("a changed EDS cluster is followed at once by its load assignment, even if unchanged (DESIGN law 4)", () => {
  const { control, connect, envoy } = relayRig();
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
  const { control, connect, envoy } = relayRig();
  control.set(listener, [textResource("l", "1", "rds: 8080"), textResource("m", "1", "rds: 9090")]);
  control.set(route, [textResource("8080", "1"), textResource("9090", "1")]);
  connect();
  const proxy = envoy();
  proxy.subscribe(listener, []);
  proxy.subscribe(route, ["8080", "9090"]);
  control.set(listener, [textResource("l", "2", "rds: 8080")]);
  assert.deepEqual(proxy.sent(route), [["8080", "9090"], ["8080"]]);
});

test("a load assignment that the control plane sends again unchanged is acknowledged, and none of Envoy's business", () => {
  const { control, connect, envoy } = relayRig();
  control.set(cluster, [edsCluster("c", "1")]);
  control.set(endpoint, [textResource("c", "1")]);
  connect();
  const proxy = envoy();
  proxy.subscribe(cluster, []);
  proxy.subscribe(endpoint, ["c"]);
  control.set(cluster, [edsCluster("c", "2")]);
  assert.deepEqual(proxy.sent(endpoint), [["c"], ["c"]], "it has followed its cluster already");
  control.set(endpoint, [textResource("c", "1")]);
  assert.deepEqual(proxy.sent(endpoint), [["c"], ["c"]]);
  assert.deepEqual(control.answers(endpoint), ["ACK", "ACK"]);
});

test("a name that does not exist is said so, also to an Envoy that asks later", () => {
  const { connect, envoy } = relayRig();
  connect();
  const first = envoy();
  first.subscribe(route, ["nowhere"]);
  assert.deepEqual(first.sent(route), [["-nowhere"]]);
  const second = envoy();
  second.subscribe(route, ["nowhere"]);
  assert.deepEqual(second.sent(route), [["-nowhere"]]);
});

test("that a load assignment is gone, told too late, is no answer to an Envoy that asks for it anew", () => {
  const { control, relay, envoy } = relayRig();
  let isSlow = false;
  const late: Uint8Array[] = [];
  control.connect((send) => relay.openUpstream((message) => void (isSlow ? late.push(message) : send(message))));
  control.set(endpoint, [textResource("c", "1")]);
  const proxy = envoy();
  proxy.subscribe(endpoint, ["c"]);
  proxy.unsubscribe(endpoint, ["c"]);
  control.send(endpoint, [], ["c"]); // it was on its way when Envoy ceased to ask
  isSlow = true;
  proxy.subscribe(endpoint, ["c"]);
  assert.deepEqual(proxy.sent(endpoint), [["c"]]);
  for (const message of late) control.request(message);
  assert.deepEqual(proxy.sent(endpoint), [["c"], ["c"]]);
});

test("a name that is asked for again is sent again", () => {
  const { control, connect, envoy } = relayRig();
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
  const { control, connect, envoy, clock, relay } = relayRig();
  control.set(endpoint, [textResource("kept", "1"), textResource("unused", "1")]);
  connect();
  const first = envoy();
  first.subscribe(endpoint, ["kept", "unused"]);
  first.disconnect();
  assert.deepEqual([...control.names(endpoint)], ["kept", "unused"]);
  control.set(endpoint, [textResource("kept", "2")]);
  const second = envoy();
  second.subscribe(cluster, []);
  second.subscribe(endpoint, ["kept"]);
  assert.deepEqual(second.inForce(endpoint), { kept: "2" });
  await clock.advance(lingerMs);
  assert.deepEqual([...control.names(endpoint)], ["kept", "unused"], "listeners have not been taken");
  second.subscribe(listener, []);
  await clock.advance(lingerMs - 1);
  assert.deepEqual([...control.names(endpoint)], ["kept", "unused"]);
  await clock.advance(1);
  assert.deepEqual([...control.names(endpoint)], ["kept"]);
  assert.deepEqual([...relay.cacheOf(endpoint).names()], ["kept"]);
});

test("names of an Envoy that went away after the next one had come are given up, too", async () => {
  const { control, connect, envoy, clock } = relayRig();
  connect();
  const first = envoy();
  first.subscribe(endpoint, ["unused"]);
  const second = envoy();
  for (const typeUrl of [cluster, listener]) second.subscribe(typeUrl, []);
  await clock.advance(lingerMs);
  first.disconnect();
  assert.deepEqual([...control.names(endpoint)], ["unused"]);
  await clock.advance(lingerMs);
  assert.deepEqual([...control.names(endpoint)], []);
});

test("what is on the disk is kept while the control plane is away, however late Envoy asks for it (DESIGN law 6)", async () => {
  const first = relayRig();
  first.control.set(cluster, [textResource("c", "1")]);
  first.control.set(listener, [textResource("l", "1")]);
  first.control.set(endpoint, [textResource("c", "1"), textResource("unused", "1")]);
  first.control.set(route, [textResource("80", "1")]);
  first.connect();
  const before = first.envoy();
  for (const typeUrl of [cluster, listener]) before.subscribe(typeUrl, []);
  before.subscribe(endpoint, ["c", "unused"]);
  before.subscribe(route, ["80"]);

  const { relay, clock } = rebootedRelay(first.relay, [cluster, listener, endpoint, route]);
  const after = new FakeEnvoy((call) => relay.acceptEnvoy(call));
  after.subscribe(cluster, []);
  await clock.advance(2 * lingerMs); // name servers are silent
  after.subscribe(endpoint, ["c"]);
  assert.deepEqual(after.inForce(endpoint), { c: "1" });
  after.subscribe(listener, []);
  after.subscribe(route, ["80"]);
  assert.deepEqual(after.inForce(route), { "80": "1" });
  await clock.advance(2 * lingerMs);
  assert.deepEqual([...relay.cacheOf(endpoint).names()], ["c", "unused"], "nobody could fetch it again");

  const { control } = first;
  control.connect((send) => relay.openUpstream(send));
  await clock.advance(lingerMs - 1);
  control.disconnect();
  await clock.advance(2 * lingerMs);
  assert.deepEqual([...relay.cacheOf(endpoint).names()], ["c", "unused"], "it has gone away again");
  control.connect((send) => relay.openUpstream(send));
  await clock.advance(lingerMs);
  assert.deepEqual([...relay.cacheOf(endpoint).names()], ["c"]);
});

test("load assignments are acknowledged while Envoy is away: few of them will be asked for again", () => {
  const { control, connect, envoy } = relayRig();
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

test("the agent follows its own types, and says what it cannot use", () => {
  const { relay, control, connect } = relayRig();
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
  const { relay, control, connect, envoy } = relayRig();
  connect();
  control.send("type.googleapis.com/envoy.service.runtime.v3.Runtime", [textResource("x", "1")]);
  const proxy = envoy();
  proxy.subscribe("istio.io/debug", ["config_dump"]);
  proxy.subscribe("x".repeat(1 << 20), ["y"]);
  assert.deepEqual(proxy.responses, []);
  assert.equal(relay.envoyConfigured, false);
});

test("Envoy counts as configured once it has taken clusters and listeners", () => {
  const { relay, connect, envoy } = relayRig();
  connect();
  const proxy = envoy();
  proxy.subscribe(cluster, []);
  assert.equal(relay.envoyConfigured, false);
  proxy.subscribe(listener, []);
  assert.equal(relay.envoyConfigured, true);
  proxy.disconnect();
  assert.equal(relay.envoyConfigured, false);
});
