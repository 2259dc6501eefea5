import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { FakeApiServer, status } from "../api/api-server.fake.ts";
import { run } from "../run.fake.ts";

let server: FakeApiServer;
before(async () => {
  server = await FakeApiServer.start();
  server.route = ({ url }) => {
    if (url === "/debug")
      return {
        body: [
          { name: "proxies", usage: "/{name}", help: "One proxy" },
          { name: "syncz", help: "All" },
        ],
      };
    if (url === "/debug/pushes?limit=2") return { body: [{ number: 1 }] };
    if (url === "/debug/proxies/sidecar~a%C3%BC") return { body: "found" };
    return url.startsWith("/debug/") ? { status: 404, body: status(404, "NotFound", "no such page") } : undefined;
  };
});
after(() => server.stop());

test("lists the pages, and prints one as JSON", async () => {
  const list = ["PAGE             WHAT IT SHOWS", "proxies/{name}   One proxy", "syncz            All", ""].join("\n");
  for (const argv of [["debug"], ["debug", "--list"]]) assert.equal((await run(argv, { server })).stdout, list);
  for (const page of ["pushes?limit=2", "/debug/pushes?limit=2"]) {
    assert.deepEqual(JSON.parse((await run(["debug", page], { server })).stdout), [{ number: 1 }]);
  }
  assert.match((await run(["debug", "proxies/sidecar~aü"], { server })).stdout, /found/);
});

test("says what to do where there is no such page, and that profiles are files", async () => {
  const none = await run(["debug", "nosuch"], { server });
  assert.equal(none.status, 1);
  assert.match(none.stderr, /^error LAT9006: .*no such page\n {2}lateen debug --list shows the pages\.\n$/);
  assert.match((await run(["debug", "pprof/heap"], { server })).stderr, /lateen profile/);
  assert.equal((await run(["debug", "x", "--list"], { server })).status, 2);
});
