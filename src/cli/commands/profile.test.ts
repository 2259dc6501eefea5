import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { FakeApiServer, status } from "../api/api-server.fake.ts";
import { run } from "../run.fake.ts";

let server: FakeApiServer;
let folder: string;
before(async () => {
  server = await FakeApiServer.start();
  folder = mkdtempSync(join(tmpdir(), "lateen-profile-"));
  server.route = ({ url }) => {
    if (url.startsWith("/debug/pprof/heap?seconds"))
      return { status: 429, body: status(429, "TooManyRequests", "busy") };
    return url.startsWith("/debug/pprof/") ? { body: { from: url } } : undefined;
  };
});
after(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  server.requests.length = 0;
});

test("writes a profile into a new file of its owner's", async () => {
  const file = join(folder, "cpu");
  const ran = await run(["profile", "cpu", "-o", file, "--seconds", "5"], { server });
  assert.equal(ran.status, 0, ran.stderr);
  assert.match(ran.stderr, /^Recording for 5 s …\nWrote \d+ bytes to /);
  assert.deepEqual(JSON.parse(readFileSync(file, "utf8")), { from: "/debug/pprof/profile?seconds=5" });
  assert.equal(statSync(file).mode & 0o777, 0o600);
  const again = await run(["profile", "cpu", "-o", file], { server });
  assert.equal(again.status, 1);
  assert.match(again.stderr, /LAT9014/);
  assert.deepEqual(JSON.parse(readFileSync(file, "utf8")), { from: "/debug/pprof/profile?seconds=5" });
});

test("leaves no file where the control plane refuses", async () => {
  const file = join(folder, "heap");
  const ran = await run(["profile", "heap", "-o", file], { server });
  assert.equal(ran.status, 1);
  assert.match(ran.stderr, /LAT9006: .*busy/);
  assert.equal(existsSync(file), false);
});

test("takes a snapshot only from who says that it may hold private keys", async () => {
  const file = join(folder, "snapshot");
  for (const flags of [["--snapshot"], ["--include-private-keys"]]) {
    const ran = await run(["profile", "heap", "-o", file, ...flags], { server });
    assert.equal(ran.status, 2);
    assert.match(ran.stderr, /private-keys go together\n {2}A snapshot holds/);
  }
  assert.equal(server.requests.length, 0);
  const ran = await run(["profile", "heap", "-o", file, "--snapshot", "--include-private-keys"], { server });
  assert.equal(ran.status, 0, ran.stderr);
  assert.match(ran.stderr, /It holds private keys: show it to nobody/);
  assert.match(readFileSync(file, "utf8"), /snapshot=1&private-keys=included/);
});

test("wrong usage is said before anything is asked", async () => {
  for (const argv of [["cpu"], ["cpu", "-o", "x", "--seconds", "61"], ["cpu", "-o", "x", "--seconds", "0"]]) {
    assert.equal((await run(["profile", ...argv], { server })).status, 2, argv.join(" "));
  }
  assert.equal(server.requests.length, 0);
});
