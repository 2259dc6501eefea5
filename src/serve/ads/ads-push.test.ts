import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { typeUrls } from "../../xds/type-url.ts";
import type { AdsRejection } from "./ads-hooks.ts";
import { type AdsRig, startAdsRig } from "./ads-rig.fake.ts";

const { cluster, endpoint, listener, route } = typeUrls;

async function rigFor(t: TestContext, options: Parameters<typeof startAdsRig>[0] = {}): Promise<AdsRig> {
  const rig = await startAdsRig(options);
  t.after(() => rig.stop());
  return rig;
}

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

test("a message whose last resource is empty is over when it is sent", async (t) => {
  const { tables, client } = await rigFor(t);
  tables.set(cluster, "a", "");
  const c = client();
  c.subscribe(cluster);
  assert.deepEqual((await c.nextAcked()).names, ["a"]);
  tables.set(cluster, "b", "1");
  assert.deepEqual((await c.next()).names, ["b"]);
});

/** A client that follows one cluster, its load assignment, and a listener; then a second cluster comes, and a listener that uses it. */
async function withSecondCluster(t: TestContext) {
  const { tables, client } = await rigFor(t);
  const put = (name: string): void => {
    tables.graph.batch(() => {
      tables.set(listener, name);
      tables.set(endpoint, name);
      tables.set(cluster, name, name, { needs: [{ typeUrl: endpoint, name }] });
    });
  };
  put("a");
  const c = client();
  c.subscribe(cluster);
  const first = await c.next();
  c.subscribe(endpoint, "a");
  await c.nextAcked();
  c.ack(first);
  c.subscribe(listener);
  await c.nextAcked();
  put("b");
  const clusters = await c.next();
  assert.deepEqual([clusters.typeUrl, clusters.names], [cluster, ["b"]]);
  return { c, clusters };
}

test("a listener waits until the load assignment of a new cluster has been asked for and sent", async (t) => {
  const { c } = await withSecondCluster(t);
  c.subscribe(endpoint, "b");
  assert.deepEqual([(await c.next()).typeUrl, (await c.next()).typeUrl], [endpoint, listener]);
});

test("a listener waits no longer for a client that acknowledges a cluster and does not ask for its load assignment", async (t) => {
  const { c, clusters } = await withSecondCluster(t);
  c.ack(clusters);
  assert.equal((await c.next()).typeUrl, listener);
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

test("what a proxy acknowledges is told, and what it came with in the present version", async (t) => {
  const told: string[] = [];
  const held: [name: string, version: string][] = [];
  const { tables, client } = await rigFor(t, {
    onAck: ({ resources }) => void told.push(resources.map(({ name }) => name).join()),
    onOpen: (opening) => void held.push(...opening.held),
  });
  const { version } = tables.set(cluster, "a");
  tables.set(cluster, "b");
  const c = client();
  c.subscribe(cluster);
  await c.nextAcked();
  // Answered after the acknowledgement before it is read.
  c.subscribe(typeUrls.nameTable);
  await c.next();
  assert.deepEqual(told, ["a,b"]);
  const again = client();
  again.request({ typeUrl: cluster, initialResourceVersions: { a: version, b: "old" } });
  assert.deepEqual((await again.nextAcked()).names, ["b"]);
  assert.equal(told[1], "a");
  assert.deepEqual(held, [
    ["a", version],
    ["b", "old"],
  ]);
});

test("who waits until all is answered is told when the last proxy has, when it goes, or when it takes too long", async (t) => {
  const { tables, client, ads, clock } = await rigFor(t);
  assert.equal(await ads.settled(1_000), true, "nobody is there");
  tables.set(cluster, "a");
  const c = client();
  c.subscribe(cluster);
  const first = await c.next();
  const late = ads.settled(1_000);
  await clock.advance(1_000);
  assert.equal(await late, false);
  const answered = ads.settled(1_000);
  c.ack(first);
  assert.equal(await answered, true);
  tables.set(cluster, "a", "2");
  await c.next();
  const gone = ads.settled(1_000);
  await c.close();
  assert.equal(await gone, true);
});
