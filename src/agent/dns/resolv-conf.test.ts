import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { FakeClock } from "../../kernel/clock.fake.ts";
import { fakeLog } from "../../kernel/log.fake.ts";
import { readResolvConf } from "./resolv-conf.ts";
import { ResolvConfFile } from "./resolv-conf-file.ts";

test("name servers and search domains are read as the C library reads them", () => {
  const conf = readResolvConf(
    [
      "# written by a DHCP client",
      "; another comment",
      "domain first.example",
      "nameserver 10.0.0.2   # the usual one",
      "nameserver\tfd00::53",
      "nameserver fe80::1%eth0",
      "nameserver localhost",
      "nameserver",
      "search Corp.Example.  corp.example eu.corp.example bad..name",
      "options ndots:2 timeout:1 rotate",
      "nonsense 1.2.3.4",
    ].join("\n"),
  );
  assert.deepEqual(
    conf.nameservers.map(({ address, port }) => `${address} ${port}`),
    ["10.0.0.2 53", "fd00::53 53", "fe80::1%eth0 53"],
  );
  assert.deepEqual(conf.searchDomains, ["corp.example", "eu.corp.example"]);
  assert.deepEqual(readResolvConf("search a.example\ndomain b.example\n").searchDomains, ["b.example"]);
});

test("any text is read, and what comes out is bounded", () => {
  const line = fc.oneof(
    fc.string(),
    fc.ipV4().map((ip) => `nameserver ${ip}`),
    fc.array(fc.domain(), { maxLength: 50 }).map((domains) => `search ${domains.join(" ")}`),
  );
  fc.assert(
    fc.property(fc.array(line, { maxLength: 40 }), (lines) => {
      const conf = readResolvConf(lines.join("\n"));
      assert.ok(conf.nameservers.length <= 8);
      assert.ok(conf.searchDomains.length <= 32);
    }),
  );
});

test("changes of the file are followed; a file without name servers is not believed", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "lt-resolv-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "resolv.conf");
  const clock = new FakeClock();
  const file = await ResolvConfFile.open({ path, clock, log: fakeLog().log });
  const servers = (): string[] => file.current().nameservers.map(({ address }) => address);
  assert.deepEqual(servers(), []);
  writeFileSync(path, "nameserver 10.0.0.2\n");
  assert.deepEqual(servers(), [], "looked at not long ago");
  await clock.advance(5_000);
  servers(); // starts a look
  await file.refresh();
  assert.deepEqual(servers(), ["10.0.0.2"]);
  for (const [text, expected] of [
    ["", "10.0.0.2"],
    ["nameserver 10.0.0.33\n", "10.0.0.33"],
  ] as const) {
    writeFileSync(path, text);
    await file.refresh();
    assert.deepEqual(servers(), [expected]);
  }
  rmSync(path);
  await file.refresh();
  assert.deepEqual(servers(), ["10.0.0.33"]);
});
