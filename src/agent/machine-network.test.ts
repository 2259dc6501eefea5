import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock } from "../kernel/clock.fake.ts";
import { fakeLog } from "../kernel/log.fake.ts";
import {
  type MachineNetwork,
  NetworkFollower,
  networkEveryMs,
  reachableAddresses,
  withSteadyAddresses,
} from "./machine-network.ts";

const ipv4 = (address: string, internal = false) => ({ address, internal, family: "IPv4" as const });
const ipv6 = (address: string, internal = false) => ({ address, internal, family: "IPv6" as const });

test("addresses that others can reach, IPv4 first", () => {
  const found = reachableAddresses({
    lo: [ipv4("127.0.0.1", true), ipv6("::1", true), ipv6("::6", true)],
    eth0: [ipv6("fd00::1"), ipv6("fe80::1"), ipv6("feb0::1"), ipv4("10.0.0.1"), ipv4("169.254.1.1")],
    eth1: [ipv4("10.0.0.1"), ipv6("2001:db8::1")],
    gone: undefined,
  });
  assert.deepEqual(found, ["10.0.0.1", "fd00::1", "2001:db8::1"]);
  const many = Array.from({ length: 100 }, (_, i) => ipv4(`10.1.0.${i}`));
  assert.equal(reachableAddresses({ eth0: many }).length, 64);
});

test("addresses that stay keep their order, and the last ones stay until there are others", () => {
  let now: MachineNetwork = { addresses: [], ipv6: false };
  const network = withSteadyAddresses(() => now);
  assert.deepEqual(network().addresses, []);
  now = { addresses: ["10.0.0.1"], ipv6: false };
  assert.deepEqual(network().addresses, ["10.0.0.1"]);
  now = { addresses: [], ipv6: true };
  assert.deepEqual(network(), { addresses: ["10.0.0.1"], ipv6: true });
  now = { addresses: ["fd00::1"], ipv6: true };
  assert.deepEqual(network().addresses, ["fd00::1"]);
  now = { addresses: ["fd00::2", "fd00::1"], ipv6: true };
  assert.deepEqual(network().addresses, ["fd00::1", "fd00::2"]);
  now = { addresses: ["10.0.0.2", "fd00::3", "fd00::2"], ipv6: true };
  assert.deepEqual(network().addresses, ["fd00::2", "10.0.0.2", "fd00::3"]);
});

test("a change is told once, when two looks agree", async () => {
  const clock = new FakeClock();
  let now: MachineNetwork = { addresses: ["10.0.0.1"], ipv6: true };
  let told = 0;
  const changed = (): void => {
    told += 1;
  };
  const follower = new NetworkFollower({ network: () => now, changed, clock, log: fakeLog().log });
  const look = async (addresses: string[], ipv6 = true): Promise<number> => {
    now = { addresses, ipv6 };
    await clock.advance(networkEveryMs);
    return told;
  };
  assert.equal(await look(["10.0.0.1"]), 0);
  assert.equal(await look(["10.0.0.1", "fd00::1"]), 0, "it may not stay");
  assert.equal(await look(["10.0.0.1"]), 0, "it did not stay");
  assert.equal(await look(["10.0.0.1", "fd00::2"]), 0);
  assert.equal(await look(["10.0.0.1", "fd00::2"]), 1);
  assert.equal(await look(["10.0.0.1", "fd00::2"]), 1);
  await look(["10.0.0.1", "fd00::2"], false);
  assert.equal(await look(["10.0.0.1", "fd00::2"], false), 2);
  await follower.stop();
  assert.equal(clock.pending, 0);
});
