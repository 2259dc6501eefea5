// The address on the loopback interface of real network namespaces.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { fakeLog } from "../kernel/log.fake.ts";
import { readInet6Addresses } from "./inet6-addresses.ts";
import { netSysctl } from "./net-sysctl.fake.ts";
import { createNamespace, type NetworkNamespace, namespacesMissing } from "./network-namespace.fake.ts";
import { PassthroughAddress } from "./passthrough-address.ts";

test("addresses are read as the kernel prints them, and nothing else is taken for one", () => {
  const text = `fe8000000000000000fc00fffe000001 04 40 20 80     eth0
00000000000000000000000000000006 01 80 80 a0       lo

garbage
`;
  assert.deepEqual(readInet6Addresses(text), [
    { address: "fe80::fc:ff:fe00:1", device: "eth0", deprecated: false },
    { address: "::6", device: "lo", deprecated: true },
  ]);
});

test("a kernel without IPv6 is left alone", async () => {
  const { log, lines } = fakeLog();
  const address = new PassthroughAddress({ log, prefix: ["false"], read: async () => undefined });
  assert.equal(await address.ensure(), "absent");
  await address.remove();
  const missing = new PassthroughAddress({ log, prefix: ["false"], read: () => Promise.reject(new Error("ENOENT")) });
  assert.equal(await missing.ensure(), "absent");
  assert.deepEqual(lines, []);
});

test("what cannot be added is said once, and tried again when the machine's addresses change", async () => {
  const { log, lines } = fakeLog();
  let text = "00000000000000000000000000000001 01 80 10 80 lo\n";
  const address = new PassthroughAddress({ log, prefix: ["false"], read: async () => text });
  for (let i = 0; i < 3; i++) assert.equal(await address.ensure(), "absent");
  assert.equal(lines.length, 1);
  text += "fd000000000000000000000000000002 04 40 00 80 eth0\n";
  await address.ensure();
  assert.equal(lines.length, 2);
});

const skip = namespacesMissing(["ip"]);
if (skip !== undefined) console.error(`addresses in a real kernel: ${skip}`);

describe("the passthrough address in a real kernel", { skip: skip ?? false, concurrency: 1 }, () => {
  let namespace: NetworkNamespace;
  before(async () => {
    namespace = await createNamespace();
  });
  after(() => namespace.remove());
  const inNamespace = (): PassthroughAddress =>
    new PassthroughAddress({
      log: fakeLog().log,
      prefix: namespace.prefix,
      read: () => namespace.run("cat", "/proc/net/if_inet6"),
    });

  test("comes, stays one, and goes, also when another process takes it away", async () => {
    const address = inNamespace();
    assert.equal(await address.state(), "absent");
    assert.equal(await address.ensure(), "ours");
    assert.equal(await address.ensure(), "ours");
    await inNamespace().remove();
    assert.equal(await address.state(), "absent");
    await address.remove();
  });

  test("stays where somebody else put it", async () => {
    await namespace.run("ip", "-6", "address", "add", "::6/128", "dev", "lo");
    const address = inNamespace();
    assert.equal(await address.ensure(), "foreign");
    await address.remove();
    assert.equal(await address.state(), "foreign");
    await namespace.run("ip", "-6", "address", "del", "::6/128", "dev", "lo");
  });

  test("comes when IPv6 is switched on", async () => {
    const switchTo = (value: number) => namespace.run(...netSysctl("net.ipv6.conf.all.disable_ipv6", value));
    const address = inNamespace();
    await address.ensure();
    await switchTo(1);
    assert.equal(await address.ensure(), "absent");
    await switchTo(0);
    assert.equal(await address.ensure(), "ours");
    await address.remove();
  });
});
