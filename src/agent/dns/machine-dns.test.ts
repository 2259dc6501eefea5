import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { MachineConfigSchema } from "../../../gen/lateen/agent/v1/agent_pb.ts";
import { systemClock } from "../../kernel/clock.ts";
import { fakeLog } from "../../kernel/log.fake.ts";
import { Metrics } from "../../kernel/metric.ts";
import { systemRandom } from "../../kernel/random.ts";
import { addressesIn, dig } from "./dig.fake.ts";
import { MachineDns } from "./machine-dns.ts";
import { meshTable } from "./mesh-table.fake.ts";

function machineDns(resolvConf: string): MachineDns {
  return new MachineDns({
    clock: systemClock,
    random: systemRandom,
    log: fakeLog().log,
    metrics: new Metrics(),
    addresses: ["127.0.0.1"],
    port: 0,
    resolvConf,
  });
}

test("a machine's names follow its namespace and the mesh's domain", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "lt-dns-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const resolvConf = join(folder, "resolv.conf");
  writeFileSync(resolvConf, "nameserver 127.0.0.1\nsearch corp.example\n");
  const dns = machineDns(resolvConf);
  assert.equal(dns.ready, false);
  await dns.start();
  t.after(() => dns.stop());
  assert.equal(dns.ready, true);
  const ask = async (name: string) => addressesIn(await dig(name, "A", { port: dns.port }));
  assert.equal((await dig("ratings.shop.svc.cluster.local", "A", { port: dns.port })).rcode, "SERVFAIL");
  dns.update(
    meshTable(),
    create(MachineConfigSchema, { domainSuffix: "cluster.local", workloads: [{ namespace: "shop" }] }),
  );
  assert.deepEqual(await ask("ratings"), ["10.0.0.3"]);
  assert.deepEqual(await ask("ratings.corp.example"), ["10.0.0.3"]);
  assert.deepEqual(await dns.describe(), {
    listening: true,
    port: dns.port,
    names: 5,
    domainSuffix: "cluster.local",
    resolvers: ["127.0.0.1:53"],
    searchDomains: ["corp.example"],
  });
});

test("D9: failing queries leave no file descriptor open", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "lt-dns-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const resolvConf = join(folder, "resolv.conf");
  // A loopback address where nothing answers: the kernel refuses at once.
  writeFileSync(resolvConf, "nameserver 127.99.99.99\n");
  const dns = machineDns(resolvConf);
  await dns.start();
  t.after(() => dns.stop());
  const descriptors = (): number => readdirSync("/proc/self/fd").length;
  const fail = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) {
      const transport = i % 4 === 0 ? "tcp" : "udp";
      assert.equal((await dig(`n${i}.example`, "A", { port: dns.port, transport })).rcode, "SERVFAIL");
    }
  };
  await fail(20);
  const before = descriptors();
  await fail(400);
  assert.ok(descriptors() <= before + 2, `${before} before, ${descriptors()} after`);
});
