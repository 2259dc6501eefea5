import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { Source } from "../../collection/source.ts";
import { type Config, formatConfigKey } from "../../config/object.ts";
import type { ProxyDetail } from "../../contract/proxy-detail.ts";
import { FakeClock } from "../../kernel/clock.fake.ts";
import { typeUrls } from "../../xds/type-url.ts";
import { type AdsRig, ResourceTables, startAdsRig } from "../ads/ads-rig.fake.ts";
import { ChangeLog } from "./change-log.ts";
import type { DebugPage } from "./debug-page.ts";
import { JsonStream } from "./json-stream.ts";
import { proxyPages } from "./proxy-pages.ts";
import { pushPages } from "./push-pages.ts";

const { cluster, endpoint, route } = typeUrls;

interface Bed extends AdsRig {
  write(name: string, spec: object): void;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into pages of any shape
  page(name: string, options?: { rest?: string; query?: string }): any;
}

async function startBed(t: TestContext): Promise<Bed> {
  const tables = new ResourceTables();
  const objects = new Source<Config>(tables.graph, "objects");
  const clock = new FakeClock(Date.UTC(2026, 0, 1));
  const changes = new ChangeLog(clock);
  changes.watch(objects);
  const rig = await startAdsRig({ generator: tables, clock, changes });
  t.after(() => rig.stop());
  const pages = new Map<string, DebugPage>(
    [...proxyPages(rig.ads), ...pushPages(rig.ads.pushes, changes)].map((page) => [page.name, page]),
  );
  return {
    ...rig,
    tables,
    write(name, spec) {
      const key = { source: "s", group: "g", kind: "VirtualService", namespace: "shop", name };
      objects.set(formatConfigKey(key), { key, meta: { name, namespace: "shop" }, spec });
    },
    page(name, { rest = "", query = "" } = {}) {
      const shown = pages
        .get(name)
        ?.show({ rest, query: new URLSearchParams(query), signal: new AbortController().signal });
      if (shown instanceof JsonStream) return JSON.parse([...shown.pieces].join(""));
      return shown === undefined ? undefined : JSON.parse(JSON.stringify(shown));
    },
  };
}

test("one proxy in detail: what it holds, what is behind, and which field its last push was for", async (t) => {
  const bed = await startBed(t);
  const { tables } = bed;
  const sources = [{ kind: "VirtualService", namespace: "shop", name: "web" }];
  bed.write("web", { http: [{ timeout: "1s" }] });
  tables.set(route, "80", "old", { sources });
  const c = bed.client();
  c.subscribe(route, "80", "81");
  await c.nextAcked();
  // The object changes, and with it, in the same turn of the graph, the resource.
  tables.graph.batch(() => {
    bed.write("web", { http: [{ timeout: "2s" }] });
    tables.set(route, "80", "new", { sources });
  });
  const pushed = await c.next();
  const [node] = bed.page("connections").clients;
  const detail = (): ProxyDetail["details"][number] =>
    (bed.page("proxies", { rest: node.connectionId, query: "resources=true" }) as ProxyDetail[])[0]
      ?.details[0] as ProxyDetail["details"][number];
  const sent = detail();
  assert.deepEqual([sent.type, sent.state, sent.sent, sent.waiting], ["RDS", "STALE", 1, 0]);
  assert.deepEqual(sent.list, [{ name: "80", version: tables.table(route).get("80")?.version, state: "sent" }]);
  assert.notEqual(sent.sentNonce, sent.ackedNonce);
  assert.equal(sent.lastPush?.reason, "config");
  assert.deepEqual(
    sent.lastPush?.why.map(({ object, change, fields }) => [object, change, fields]),
    [["VirtualService/shop/web", "changed", ["spec.http[0].timeout"]]],
  );
  c.ack(pushed);
  c.subscribe(cluster);
  await c.nextAcked();
  const acknowledged = bed.page("proxies", { rest: node.connectionId, query: "resources=true" })[0].details[1];
  assert.deepEqual(
    [acknowledged.type, acknowledged.state, acknowledged.list[0].state],
    ["RDS", "SYNCED", "acknowledged"],
  );
  assert.equal(acknowledged.sentNonce, acknowledged.ackedNonce);
  assert.equal(bed.page("proxies", { rest: "nobody" }), undefined);
  assert.equal(bed.page("proxies").length, 1);
  const [push] = bed.page("pushes", { query: "type=RDS&limit=1" });
  assert.deepEqual([push.number, push.proxies, push.names], [2, 1, ["80"]]);
  assert.deepEqual(
    bed.page("changes").map(({ change }: { change: string }) => change),
    ["changed", "created"],
  );
});

test("syncz, connections and adsz have istiod's form", async (t) => {
  const bed = await startBed(t);
  bed.tables.set(cluster, "a");
  bed.tables.set(endpoint, "a");
  const c = bed.client();
  c.subscribe(cluster);
  await c.nextAcked();
  c.subscribe(endpoint, "a");
  c.nack(await c.next(), "bad endpoint");
  c.subscribe(route, "80");
  c.ack(await c.next());
  const [status] = bed.page("syncz");
  assert.equal(status.cluster_sent, status.cluster_acked);
  assert.match(status.endpoint_sent, /^cp-1-/);
  assert.equal(status.endpoint_acked, undefined);
  assert.equal(status.resources[endpoint].lastError, "bad endpoint");
  assert.match(status.proxy, /^sidecar~/);
  assert.equal(bed.page("syncz", { query: "namespace=elsewhere" }).length, 0);
  const [client] = bed.page("adsz", { query: `proxyID=${encodeURIComponent(status.proxy)}` }).clients;
  assert.deepEqual(client.watches[cluster], ["a"]);
  assert.equal(bed.page("adsz", { query: "proxyID=nobody" }).totalClients, 0);
  assert.equal(bed.page("connections").totalClients, 1);
});
