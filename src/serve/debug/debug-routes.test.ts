import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test } from "node:test";
import { systemClock } from "../../kernel/clock.ts";
import { Metrics } from "../../kernel/metric.ts";
import type { ApiIdentity } from "../api/api-identity.ts";
import { ApiRig } from "../api/api-rig.fake.ts";
import { MonitoringListener } from "../listen/monitoring-listener.ts";
import type { DebugPage } from "./debug-page.ts";
import { debugRoutes } from "./debug-routes.ts";

const pages: DebugPage[] = [
  {
    name: "one",
    help: "A list <of> things",
    show: () => [
      { name: "<b>", count: 1 },
      { name: "c", list: ["x", { y: 1 }] },
    ],
  },
  {
    name: "named",
    help: "One thing",
    usage: "/{name}",
    show: ({ rest, query }) => (rest === "none" ? undefined : { rest, q: query.get("q") }),
    draw: () => "<svg></svg>",
  },
];

const paths = ["/debug", "/debug/list", "/debug/one", "/debug/named", "/debug/named/a/b", "/debug/none"];

test("who is no administrator sees no page, and learns not even which there are", async (t) => {
  let identity: ApiIdentity | undefined;
  const rig = await ApiRig.start({ identity: () => identity, extraRoutes: debugRoutes(pages, systemClock) });
  t.after(() => rig.stop());
  for (const path of paths) assert.equal((await rig.call("GET", path)).code, 401, path);
  identity = { name: "someone", groups: ["developers"] };
  for (const path of paths) assert.equal((await rig.call("GET", path)).code, 403, path);
  identity = { name: "root", groups: ["system:masters"] };
  for (const path of paths) assert.equal((await rig.call("GET", path)).code, path === "/debug/none" ? 404 : 200, path);
  assert.match((await rig.call("GET", "/debug/none")).text, /there is no page \/debug\/none/);
  assert.equal((await rig.call("POST", "/debug/one")).code, 405);
  const crossSite = await rig.call("GET", "/debug/one", { headers: { "sec-fetch-site": "cross-site" } });
  assert.equal(crossSite.code, 403);
});

test("no page is on the metrics port", async (t) => {
  const listener = await MonitoringListener.listen({
    ...{ host: "127.0.0.1", port: 0, metrics: new Metrics(), isReady: () => true, clock: systemClock },
  });
  t.after(() => listener.stop());
  for (const path of paths) {
    assert.equal((await fetch(`http://127.0.0.1:${listener.port}${path}`)).status, 404, path);
  }
});

test("the index is HTML unless JSON is asked for, pages are JSON unless a browser asks", async (t) => {
  const rig = await ApiRig.start({ extraRoutes: debugRoutes(pages, systemClock) });
  t.after(() => rig.stop());
  const index = await rig.call("GET", "/debug", { headers: { accept: "*/*" } });
  assert.match(String(index.headers["content-type"]), /^text\/html/);
  assert.match(index.text, /<a href="\/debug\/one">\/debug\/one<\/a><\/td><td>A list &#60;of&#62; things</);
  assert.doesNotMatch(index.text, /<script|<style|style=/);
  assert.match(String(index.headers["content-security-policy"]), /default-src 'none'/);
  assert.deepEqual((await rig.call("GET", "/debug", { headers: { accept: "application/json" } })).json, [
    { name: "list", help: "Names of these pages" },
    { name: "named", usage: "/{name}", help: "One thing" },
    { name: "one", help: "A list <of> things" },
  ]);
  assert.deepEqual((await rig.call("GET", "/debug/list")).json, ["named", "one"]);
  assert.deepEqual((await rig.call("GET", "/debug/named/a/b?q=1")).json, { rest: "a/b", q: "1" });
  assert.equal((await rig.call("GET", "/debug/named/none")).code, 404);
  const browser = { accept: "text/html,application/xhtml+xml,*/*;q=0.8" };
  const table = await rig.call("GET", "/debug/one", { headers: browser });
  assert.match(table.text, /<th align="left">count<\/th>[\s\S]*&#60;b&#62;[\s\S]*x<br><table/);
  assert.match((await rig.call("GET", "/debug/named", { headers: browser })).text, /<svg><\/svg>/);
  assert.deepEqual((await rig.call("GET", "/debug/named?format=json", { headers: browser })).json, {
    rest: "",
    q: null,
  });
});

test("an answer that streams ends with its client, and one that fails is seen to be cut", async (t) => {
  const made: Readable[] = [];
  const signals: AbortSignal[] = [];
  const rig = await ApiRig.start({
    extraRoutes: [
      {
        method: "GET",
        path: "/stream/{how}",
        handler: async ({ params, signal }) => {
          const stream =
            params["how"] === "whole"
              ? Readable.from(["a", "b"])
              : Readable.from(
                  (async function* () {
                    yield "a";
                    throw new TypeError("gone");
                  })(),
                );
          made.push(stream);
          signals.push(signal);
          return { stream, contentType: "text/plain" };
        },
      },
    ],
  });
  t.after(() => rig.stop());
  const whole = await rig.call("GET", "/stream/whole");
  assert.deepEqual([whole.code, whole.text, whole.headers["content-type"]], [200, "ab", "text/plain"]);
  await assert.rejects(rig.call("GET", "/stream/broken"));
  assert.ok(made.every((stream) => stream.destroyed));
  assert.ok(signals.at(-1)?.aborted);
});
