import assert from "node:assert/strict";
import { once } from "node:events";
import type { TestContext } from "node:test";
import { test } from "node:test";
import type { SpiffeId } from "../../identity/spiffe-id.ts";
import { typeUrls } from "../../xds/type-url.ts";
import { serveErrors } from "../errors.ts";
import type { Peer } from "../peer.ts";
import type { AdsRejection, HealthReport } from "./ads-hooks.ts";
import { type AdsRig, startAdsRig } from "./ads-rig.fake.ts";

const { cluster, endpoint, listener, route } = typeUrls;

async function rigFor(t: TestContext, options: Parameters<typeof startAdsRig>[0] = {}): Promise<AdsRig> {
  const rig = await startAdsRig(options);
  t.after(() => rig.stop());
  return rig;
}

const verified = (id: string, expiresAtMs = Number.MAX_SAFE_INTEGER): Peer => ({
  kind: "verified",
  identities: [id as SpiffeId],
  expiresAtMs,
  serialNumber: "01",
});

test("a client gets everything, then only what changes, then what is removed", async (t) => {
  const { tables, client } = await rigFor(t);
  tables.set(cluster, "a");
  tables.set(cluster, "b");
  const c = client();
  c.subscribe(cluster);
  const first = await c.nextAcked();
  assert.deepEqual(first.names, ["a", "b"]);
  assert.equal(first.typeUrl, cluster);
  tables.set(cluster, "b", "b2");
  const second = await c.nextAcked();
  assert.deepEqual(second.resources, [{ name: "b", version: tables.table(cluster).get("b")?.version, body: "b2" }]);
  tables.delete(cluster, "a");
  const third = await c.nextAcked();
  assert.deepEqual([third.names, third.removed], [[], ["a"]]);
});

test("a reconnecting client with equal versions gets an empty answer and nothing else", async (t) => {
  const { tables, client } = await rigFor(t);
  const a = tables.set(cluster, "a");
  const e = tables.set(endpoint, "a", "endpoints");
  const c = client();
  c.request({ typeUrl: cluster, initialResourceVersions: { a: a.version } });
  c.request({ typeUrl: endpoint, resourceNamesSubscribe: ["a"], initialResourceVersions: { a: e.version } });
  const answer = await c.nextAcked();
  assert.deepEqual([answer.typeUrl, answer.names, answer.removed], [cluster, [], []]);
  tables.set(endpoint, "a", "more endpoints");
  const change = await c.nextAcked();
  assert.equal(change.typeUrl, endpoint, "the next message is the change: nothing was sent again");
});

test("a changed cluster is followed at once by its load assignment, though it is unchanged and nothing acknowledged", async (t) => {
  const { tables, client } = await rigFor(t);
  const needs = [{ typeUrl: endpoint, name: "a" }];
  tables.set(cluster, "a", "1", { needs });
  tables.set(endpoint, "a", "e");
  const c = client();
  c.subscribe(cluster);
  await c.nextAcked();
  c.subscribe(endpoint, "a");
  await c.nextAcked();
  tables.set(cluster, "a", "2", { needs });
  const clusters = await c.next();
  const endpoints = await c.next();
  assert.deepEqual([clusters.typeUrl, clusters.names], [cluster, ["a"]]);
  assert.deepEqual([endpoints.typeUrl, endpoints.names], [endpoint, ["a"]]);
});

test("a cluster that changed while the client was away is followed by a load assignment that did not", async (t) => {
  const { tables, client } = await rigFor(t);
  tables.set(cluster, "a", "2", { needs: [{ typeUrl: endpoint, name: "a" }] });
  const e = tables.set(endpoint, "a", "e");
  const c = client();
  c.request({ typeUrl: cluster, initialResourceVersions: { a: "old" } });
  assert.deepEqual((await c.next()).names, ["a"]);
  c.request({ typeUrl: endpoint, resourceNamesSubscribe: ["a"], initialResourceVersions: { a: e.version } });
  assert.deepEqual((await c.next()).names, ["a"]);
});

test("a changed listener is followed by its routes", async (t) => {
  const { tables, client } = await rigFor(t);
  const needs = [{ typeUrl: route, name: "80" }];
  tables.set(listener, "l", "1", { needs });
  tables.set(route, "80", "r");
  const c = client();
  c.subscribe(listener);
  await c.nextAcked();
  c.subscribe(route, "80");
  await c.nextAcked();
  tables.set(listener, "l", "2", { needs });
  assert.deepEqual([(await c.next()).typeUrl, (await c.next()).typeUrl], [listener, route]);
});

test("one batch of changes goes out clusters first, and removals after everything that was added", async (t) => {
  const { tables, client } = await rigFor(t);
  for (const type of [cluster, endpoint, listener, route]) tables.set(type, "old");
  const c = client();
  c.subscribe(route, "old", "new");
  c.subscribe(listener);
  c.subscribe(endpoint, "old", "new");
  c.subscribe(cluster);
  for (let count = 0; count < 4; count++) await c.nextAcked();
  tables.graph.batch(() => {
    for (const type of [route, listener, endpoint, cluster]) {
      tables.set(type, "new");
      tables.delete(type, "old");
    }
  });
  const seen: string[] = [];
  const short: Record<string, string> = { [cluster]: "cds", [endpoint]: "eds", [listener]: "lds", [route]: "rds" };
  for (let count = 0; count < 8; count++) {
    const message = await c.nextAcked();
    seen.push(...message.names.map((name) => `${short[message.typeUrl]}+${name}`));
    seen.push(...message.removed.map((name) => `${short[message.typeUrl]}-${name}`));
  }
  assert.deepEqual(seen.slice(0, 4), ["cds+new", "eds+new", "lds+new", "rds+new"]);
  assert.deepEqual(seen.slice(4).sort(), ["cds-old", "eds-old", "lds-old", "rds-old"]);
  assert.ok(seen.indexOf("lds-old") < seen.indexOf("rds-old"));
  assert.ok(seen.indexOf("rds-old") < seen.indexOf("cds-old"));
  assert.ok(seen.indexOf("cds-old") < seen.indexOf("eds-old"));
});

test("routes wait for a cluster that is held up by an unacknowledged message, and not for ever", async (t) => {
  const { tables, client, clock } = await rigFor(t);
  tables.set(cluster, "a");
  tables.set(route, "r");
  const c = client();
  c.subscribe(cluster);
  const unanswered = await c.next();
  c.subscribe(route, "r");
  await c.nextAcked();
  tables.graph.batch(() => {
    tables.set(cluster, "b");
    tables.set(route, "r", "to b");
  });
  c.subscribe(typeUrls.nameTable);
  assert.equal((await c.nextAcked()).typeUrl, typeUrls.nameTable);
  await clock.advance(16_000);
  const late = await c.nextAcked();
  assert.deepEqual([late.typeUrl, late.resources[0]?.body], [route, "to b"]);
  c.ack(unanswered);
  assert.deepEqual((await c.nextAcked()).names, ["b"]);
});

test("a rejected resource is reported with its objects, not sent again, and hurts no other", async (t) => {
  const rejections: AdsRejection[] = [];
  const { tables, client, metrics } = await rigFor(t, { onNack: (rejection) => rejections.push(rejection) });
  const sources = [{ kind: "DestinationRule", namespace: "shop", name: "a" }];
  tables.set(cluster, "a", "bad", { sources });
  const c = client();
  c.subscribe(cluster);
  c.nack(await c.next(), "Error adding/updating cluster(s) a: too bad");
  tables.set(cluster, "b");
  const next = await c.nextAcked();
  assert.deepEqual(next.names, ["b"], "a is not sent again");
  assert.equal(rejections.length, 1);
  assert.deepEqual(rejections[0]?.resources[0]?.sources, sources);
  assert.match(rejections[0]?.message ?? "", /too bad/);
  assert.equal(rejections[0]?.typeUrl, cluster);
  const text = await metrics.text();
  assert.match(text, /pilot_total_xds_rejects\{type="cds"\} 1/);
  assert.match(text, /pilot_xds_cds_reject 1/);
  tables.set(cluster, "a", "good");
  await c.nextAcked();
  c.subscribe(typeUrls.nameTable);
  await c.nextAcked();
  assert.match(await metrics.text(), /pilot_xds_cds_reject 0/);
});

test("of a rejected message the good resources are accepted, and the bad one is found", async (t) => {
  const found: string[] = [];
  const rejected = (rejection: AdsRejection): void =>
    void found.push(...rejection.resources.map((resource) => resource.name));
  const { tables, client } = await rigFor(t, { onNack: rejected });
  for (let index = 0; index < 30; index++) tables.set(route, `r${index}`, index === 17 ? "bad" : "good");
  const c = client();
  c.subscribe(route, ...Array.from({ length: 30 }, (_, index) => `r${index}`));
  const held = new Set<string>();
  while (held.size < 29 || found.length === 0) {
    const message = await c.next();
    if (message.resources.some((resource) => resource.body === "bad")) c.nack(message, "something is wrong");
    else {
      for (const name of message.names) held.add(name);
      c.ack(message);
    }
    if (held.size === 29 && found.length === 0) c.subscribe(typeUrls.nameTable);
  }
  assert.deepEqual(found, ["r17"]);
});

test("a stale nonce acknowledges nothing, and what it subscribes to is sent", async (t) => {
  const { tables, client, metrics } = await rigFor(t);
  tables.set(endpoint, "a");
  tables.set(endpoint, "b");
  const c = client();
  c.subscribe(endpoint, "a");
  const first = await c.next();
  c.request({ typeUrl: endpoint, responseNonce: "never-sent", resourceNamesSubscribe: ["b"] });
  c.ack(first);
  const second = await c.nextAcked();
  assert.deepEqual(second.names, ["b"]);
  c.request({ typeUrl: endpoint, responseNonce: first.nonce, errorDetail: { code: 13, message: "too late" } });
  tables.set(endpoint, "a", "a2");
  assert.deepEqual((await c.nextAcked()).names, ["a"]);
  assert.match(await metrics.text(), /pilot_xds_expired_nonce\{type="eds"\} 2/);
});

test("state of the world is served from the same data", async (t) => {
  const { tables, client } = await rigFor(t);
  tables.set(cluster, "a");
  tables.set(cluster, "b");
  tables.set(endpoint, "a", "endpoints of a");
  const c = client({ variant: "sotw" });
  c.requestAll({ typeUrl: cluster });
  const first = await c.next();
  assert.deepEqual(first.names, ["a", "b"]);
  c.requestAll({ typeUrl: cluster, versionInfo: first.version, responseNonce: first.nonce });
  c.requestAll({ typeUrl: endpoint, resourceNames: ["a"] });
  const endpoints = await c.next();
  assert.deepEqual(endpoints.names, ["endpoints of a"]);
  c.requestAll({
    typeUrl: endpoint,
    resourceNames: ["a"],
    versionInfo: endpoints.version,
    responseNonce: endpoints.nonce,
  });
  tables.set(cluster, "b", "b2");
  const second = await c.next();
  assert.deepEqual(second.names, ["a", "b2"]);
  assert.notEqual(second.version, first.version);
  tables.delete(cluster, "a");
  c.requestAll({
    typeUrl: cluster,
    versionInfo: first.version,
    responseNonce: second.nonce,
    errorDetail: { code: 13, message: "no" },
  });
  assert.deepEqual((await c.next()).names, ["b2"]);

  const again = client({ variant: "sotw" });
  const present = client({ variant: "sotw" });
  present.requestAll({ typeUrl: cluster });
  again.requestAll({ typeUrl: cluster, versionInfo: (await present.next()).version });
  again.requestAll({ typeUrl: endpoint, resourceNames: ["a"] });
  assert.equal((await again.next()).typeUrl, endpoint, "clusters are not sent again");
});

test("the status of a stream follows its connection, acknowledgements and rejections", async (t) => {
  const { tables, client, clock, ads } = await rigFor(t);
  const sources = [{ kind: "VirtualService", namespace: "shop", name: "v" }];
  tables.set(cluster, "a");
  tables.set(route, "r", "bad", { sources });
  const c = client({ node: { metadata: { ISTIO_VERSION: "1.29.6", CLUSTER_ID: "vms" } } });
  c.subscribe(cluster);
  const clusters = await c.next();
  await clock.advance(200);
  const [stale] = [...ads.connections.values()];
  assert.equal(stale?.types.CDS?.state, "STALE");
  assert.equal(stale?.types.RDS, undefined);
  assert.equal(stale?.name, "vm-1.shop");
  assert.equal(stale?.version, "1.29.6");
  assert.equal(stale?.clusterId, "vms");
  c.ack(clusters);
  c.subscribe(route, "r");
  c.nack(await c.next(), "bad route");
  c.subscribe(typeUrls.nameTable);
  await c.nextAcked();
  await clock.advance(200);
  const [status] = [...ads.connections.values()];
  assert.equal(status?.types.CDS?.state, "SYNCED");
  assert.equal(status?.types.CDS?.resources, 1);
  assert.equal(status?.types.RDS?.state, "ERROR");
  assert.equal(status?.types.RDS?.error, "bad route");
  assert.deepEqual(status?.types.RDS?.objects, ["VirtualService/shop/v"]);
  assert.equal(status?.queryable, false);
  await c.close();
});

test("a stream that ends leaves nothing behind, at whatever message it is cut", async (t) => {
  const gone: string[] = [];
  const rig = await rigFor(t, { onDisconnect: (id) => void gone.push(id) });
  const { tables, client, ads, clock, allGone } = rig;
  for (const type of [cluster, listener]) for (let index = 0; index < 5; index++) tables.set(type, `n${index}`);
  for (let cutAfter = 0; cutAfter < 6; cutAfter++) {
    const c = client();
    c.subscribe(cluster);
    c.subscribe(listener);
    const connected = once(c.session, "connect");
    for (let count = 0; count < cutAfter; count++) {
      const message = await c.next();
      if (count < cutAfter - 1) c.ack(message);
      tables.set(cluster, "n0", `changed ${cutAfter} ${count}`);
    }
    await connected;
    await c.close();
    await allGone();
  }
  assert.equal(ads.size, 0);
  assert.equal(tables.observers, 0);
  assert.equal(tables.closed, tables.opened.length);
  assert.equal(gone.length, tables.opened.length);
  await clock.advance(200);
  assert.equal(ads.connections.size, 0);
  assert.equal(clock.pending, 2, "only the server's own tick and pings wait");
});

test("a hook may refuse a stream; its code reaches the client", async (t) => {
  const gone: string[] = [];
  const refuse = (): never => {
    throw serveErrors.machineNotConnected("there is no group named reviews");
  };
  const { client } = await rigFor(t, { onConnect: refuse, onDisconnect: (id) => void gone.push(id) });
  const c = client();
  c.subscribe(cluster);
  const { code, message } = await c.ended;
  assert.equal(code, 9);
  assert.match(message, /^LAT2111 there is no group named reviews/);
  assert.deepEqual(gone, []);
});

test("a defect of a hook or generator ends the stream with INTERNAL and tells the client nothing", async (t) => {
  const gone: string[] = [];
  const generator = {
    open(): never {
      throw new TypeError("secret detail");
    },
  };
  const { client, log, metrics } = await rigFor(t, { generator, onDisconnect: (id) => void gone.push(id) });
  const c = client();
  c.subscribe(cluster);
  const { code, message } = await c.ended;
  assert.deepEqual([code, message], [13, "internal error"]);
  assert.equal(gone.length, 1, "the connection had been announced");
  assert.ok(log.some((line) => line.level === "error" && String(line["error"]).includes("secret detail")));
  assert.match(await metrics.text(), /pilot_total_xds_internal_errors 1/);
});

test("node metadata must agree with the proven identity", async (t) => {
  const rig = await rigFor(t, { peer: verified("spiffe://cluster.local/ns/shop/sa/reviews") });
  const wrongAccount = rig.client({ node: { metadata: { SERVICE_ACCOUNT: "ratings" } } });
  wrongAccount.subscribe(cluster);
  assert.equal((await wrongAccount.ended).code, 7);
  const wrongNamespace = rig.client({ node: { metadata: { NAMESPACE: "bank" } } });
  wrongNamespace.subscribe(cluster);
  const refused = await wrongNamespace.ended;
  assert.equal(refused.code, 7);
  assert.match(refused.message, /^LAT2004/);
  assert.equal(rig.tables.opened.length, 0);
  const right = rig.client({ node: { metadata: { SERVICE_ACCOUNT: "reviews" } } });
  right.subscribe(cluster);
  await right.nextAcked();
  assert.deepEqual(rig.tables.opened[0]?.identities, ["spiffe://cluster.local/ns/shop/sa/reviews"]);
});

test("without a certificate a TLS stream is not served", async (t) => {
  const { client } = await rigFor(t, { peer: { kind: "anonymous" } });
  const c = client();
  c.subscribe(cluster);
  const { code, message } = await c.ended;
  assert.equal(code, 16);
  assert.match(message, /^LAT2102/);
});

test("a plaintext stream gets no secrets, questions, health reports or debug types", async (t) => {
  const { tables, client } = await rigFor(t);
  const types = [typeUrls.secret, typeUrls.query, typeUrls.health, "istio.io/debug", "istio.io/debug/syncz"];
  for (const type of types) {
    tables.set(type, "secret");
    const c = client();
    c.subscribe(type, "secret");
    const { code, message } = await c.ended;
    assert.equal(code, 7, type);
    assert.match(message, /^LAT2005/);
    assert.equal(c.received.messages, 0);
  }
});

test("a stream ends when its certificate does", async (t) => {
  const start = Date.UTC(2026, 0, 1);
  const peer = verified("spiffe://cluster.local/ns/shop/sa/reviews", start + 3_600_000);
  const { client, clock } = await rigFor(t, { peer });
  const c = client();
  c.subscribe(cluster);
  await c.nextAcked();
  await clock.advance(3_599_000);
  c.subscribe(listener);
  await c.nextAcked();
  await clock.advance(1_000);
  const { code, message } = await c.ended;
  assert.equal(code, 16);
  assert.match(message, /^LAT2103/);
});

test("health reports are passed on when they change, at most once a second", async (t) => {
  const reports: HealthReport[] = [];
  const peer = verified("spiffe://cluster.local/ns/shop/sa/reviews");
  const { client, clock } = await rigFor(t, { peer, onHealth: (_client, _id, report) => void reports.push(report) });
  const c = client();
  const report = (healthy: boolean): void =>
    c.request({
      typeUrl: typeUrls.health,
      ...(healthy ? {} : { errorDetail: { code: 500, message: "no answer" } }),
    });
  report(true);
  for (let count = 0; count < 100; count++) report(count % 2 === 0);
  c.subscribe(cluster);
  await c.nextAcked();
  assert.deepEqual(reports, [{ healthy: true, message: "" }]);
  await clock.advance(1_000);
  assert.deepEqual(reports.slice(1), [{ healthy: false, message: "no answer" }]);
});

test("stopping tells every client to come back later", async (t) => {
  const rig = await rigFor(t);
  const c = rig.client();
  c.subscribe(cluster);
  await c.nextAcked();
  await rig.ads.stop();
  const { code, message } = await c.ended;
  assert.equal(code, 14);
  assert.match(message, /^LAT2105/);
  assert.equal(rig.clock.pending, 0);
  const late = rig.client();
  late.subscribe(cluster);
  assert.equal((await late.ended).code, 14);
});

test("a client that says it is done is let go without an error", async (t) => {
  const { client, tables } = await rigFor(t);
  const c = client();
  c.subscribe(cluster);
  await c.nextAcked();
  c.halfClose();
  assert.deepEqual(await c.ended, { httpStatus: 200, code: 0, message: "" });
  assert.equal(tables.observers, 0);
});

test("metrics carry Istio's names", async (t) => {
  const { tables, client, metrics } = await rigFor(t);
  tables.set(cluster, "a");
  const c = client({ node: { metadata: { ISTIO_VERSION: "1.29.6" } } });
  c.subscribe(cluster);
  await c.nextAcked();
  tables.set(cluster, "a", "2");
  await c.nextAcked();
  c.subscribe(listener);
  await c.nextAcked();
  const text = await metrics.text();
  assert.match(text, /pilot_xds\{version="1.29.6"\} 1/);
  assert.match(text, /pilot_xds_pushes\{type="cds"\} 2/);
  assert.match(text, /pilot_proxy_convergence_time_count 1/);
  assert.match(text, /pilot_xds_config_size_bytes_count\{type="cds"\} 2/);
});
