import assert from "node:assert/strict";
import { once } from "node:events";
import type { TestContext } from "node:test";
import { test } from "node:test";
import type { SpiffeId } from "../../identity/spiffe-id.ts";
import type { XdsClient } from "../../xds/generator.ts";
import { typeUrls } from "../../xds/type-url.ts";
import { serveErrors } from "../errors.ts";
import type { Peer } from "../peer.ts";
import type { HealthReport, StreamOrigin } from "./ads-hooks.ts";
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

test("who comes back asking for load assignments and not for clusters gets those, though equal, and the rest after its clusters", async (t) => {
  const { tables, client } = await rigFor(t);
  const a = tables.set(cluster, "a");
  const e = tables.set(endpoint, "a", "endpoints");
  const r = tables.set(route, "80");
  const c = client();
  // Envoy's clusters warm since the stream before: it asks for none.
  c.request({ typeUrl: endpoint, resourceNamesSubscribe: ["a"], initialResourceVersions: { a: e.version } });
  c.subscribe(route, "80");
  const first = await c.nextAcked();
  assert.deepEqual([first.typeUrl, first.names], [endpoint, ["a"]]);
  c.request({ typeUrl: cluster, initialResourceVersions: { a: a.version } });
  assert.equal((await c.nextAcked()).typeUrl, cluster);
  const last = await c.nextAcked();
  assert.deepEqual([last.typeUrl, last.names], [route, [r.name]]);
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
  const [stale] = [...ads.statuses().values()];
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
  const [status] = [...ads.statuses().values()];
  assert.equal(status?.types.CDS?.state, "SYNCED");
  assert.equal(status?.types.CDS?.resources, 1);
  assert.equal(status?.types.RDS?.state, "NACK");
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
  assert.equal(ads.statuses().size, 0);
  assert.equal(clock.pending, 2, "only the server's own tick and pings wait");
});

test("a hook may refuse a stream; its code reaches the client", async (t) => {
  const gone: string[] = [];
  const origins: StreamOrigin[] = [];
  const refuse = (_: XdsClient, _id: string, origin: StreamOrigin): never => {
    origins.push(origin);
    throw serveErrors.machineNotConnected("there is no group named reviews");
  };
  const { client } = await rigFor(t, { onConnect: refuse, onDisconnect: (id) => void gone.push(id) });
  const c = client();
  c.subscribe(cluster);
  const { code, message } = await c.ended;
  assert.equal(code, 9);
  assert.match(message, /^LAT2111 there is no group named reviews/);
  assert.deepEqual(origins, [{ address: "127.0.0.1", certificate: undefined }]);
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

test("a plaintext stream gets no secrets, questions or debug types", async (t) => {
  const { tables, client } = await rigFor(t);
  const types = [typeUrls.secret, typeUrls.query, "istio.io/debug", "istio.io/debug/syncz"];
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

test("a health report on a plaintext stream is passed over, and the stream goes on", async (t) => {
  const reports: HealthReport[] = [];
  const { tables, client } = await rigFor(t, { onHealth: (_client, _id, report) => void reports.push(report) });
  tables.set(cluster, "a");
  const c = client();
  c.subscribe(listener);
  await c.nextAcked();
  c.request({ typeUrl: typeUrls.health });
  c.subscribe(cluster);
  assert.deepEqual((await c.nextAcked()).names, ["a"]);
  assert.deepEqual(reports, []);
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
