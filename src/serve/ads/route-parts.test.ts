import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { capabilitiesHeader } from "../../xds/capability.ts";
import { typeUrls } from "../../xds/type-url.ts";
import { startAdsRig } from "./ads-rig.fake.ts";

const { cluster, routePart } = typeUrls;

test("every stream is told that routes can travel in parts, before any message", async (t) => {
  const rig = await startAdsRig();
  t.after(() => rig.stop());
  const [headers] = (await once(rig.client().stream, "response")) as [Record<string, string>];
  assert.equal(headers[capabilitiesHeader], "route-parts");
});

test("what one change does to the parts of a route configuration is one message: parts that go, and its new head", async (t) => {
  const rig = await startAdsRig();
  t.after(() => rig.stop());
  const { tables } = rig;
  tables.set(cluster, "a");
  for (const name of ["80", "80/a", "80/b"]) tables.set(routePart, name);
  const c = rig.client();
  c.subscribe(cluster, "*");
  await c.nextAcked();
  c.subscribe(routePart, "*");
  assert.deepEqual((await c.nextAcked()).names, ["80", "80/a", "80/b"]);
  tables.graph.batch(() => {
    tables.delete(cluster, "a");
    tables.delete(routePart, "80/a");
    tables.set(routePart, "80", "changed");
  });
  const parts = await c.next();
  assert.deepEqual([parts.typeUrl, parts.names, parts.removed], [routePart, ["80"], ["80/a"]]);
  assert.equal(c.unread, 0, "the cluster stays until the routes without it are accepted");
  c.ack(parts);
  const gone = await c.nextAcked();
  assert.deepEqual([gone.typeUrl, gone.removed], [cluster, ["a"]]);
});

test("parts wait for clusters that have not been sent", async (t) => {
  const rig = await startAdsRig();
  t.after(() => rig.stop());
  rig.tables.set(cluster, "a");
  rig.tables.set(routePart, "80");
  const c = rig.client();
  c.subscribe(routePart, "*");
  await c.nextAcked();
  c.subscribe(cluster, "*");
  const first = await c.next();
  rig.tables.graph.batch(() => {
    rig.tables.set(cluster, "b");
    rig.tables.set(routePart, "80", "to b");
  });
  c.ack(first);
  const order = [await c.nextAcked(), await c.nextAcked()].map(({ typeUrl }) => typeUrl);
  assert.deepEqual(order, [cluster, routePart]);
});

test("refused parts are not sent one by one, and their state is that of RDS", async (t) => {
  const rig = await startAdsRig();
  t.after(() => rig.stop());
  const sources = [{ kind: "VirtualService", namespace: "shop", name: "a" }];
  rig.tables.set(routePart, "80");
  rig.tables.set(routePart, "80/a", "bad", { sources });
  const c = rig.client();
  c.subscribe(routePart, "*");
  const rds = async () => {
    await rig.clock.advance(1_000);
    return [...rig.ads.statuses().values()][0]?.types.RDS;
  };
  c.nack(await c.next(), "80: bad regex");
  // Its answer shows that the rejection was read.
  c.subscribe(cluster, "other");
  await c.nextAcked();
  const refused = await rds();
  assert.deepEqual([refused?.state, refused?.objects], ["NACK", ["VirtualService/shop/a"]]);
  assert.equal(refused?.error, "80: bad regex");
  assert.equal(c.unread, 0);
  rig.tables.graph.batch(() => {
    rig.tables.set(routePart, "80", "good");
    rig.tables.set(routePart, "80/a", "good", { sources });
  });
  const cured = await c.nextAcked();
  assert.deepEqual(cured.names, ["80", "80/a"]);
  c.subscribe(cluster, "another");
  await c.nextAcked();
  assert.equal((await rds())?.state, "SYNCED");
  const pushes = (await rig.metrics.text()).split("\n").filter((line) => /^pilot_xds_pushes\{type="[^c]/.test(line));
  assert.ok(
    pushes.every((line) => line.includes('type="rds"')),
    pushes.join(),
  );
});
