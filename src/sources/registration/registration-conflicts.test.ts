// Machines that claim what others have: names, addresses, certificates.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { NodeInfo } from "../../xds/node-info.ts";
import type { MachineRecord } from "./machine-record.ts";
import { restoredGraceMs } from "./registration.ts";
import {
  changes,
  clock,
  connect,
  deleteGroup,
  entry,
  graceMs,
  istioNode,
  logged,
  metrics,
  type NodeOverrides,
  names,
  node,
  registration,
  reopen,
  SlowClock,
  setGroup,
  spiffe,
  useRegistration,
} from "./registration-rig.fake.ts";

useRegistration();

test("F21, T20: of two machines with one name the first stays, and the second is told why", async () => {
  connect("first");
  assert.throws(() => connect("second", node({ ips: ["10.0.0.2"] })), {
    code: "LAT4403",
    message: /reviews-vm-1 is spiffe.* at 10\.0\.0\.1, and connected; the claim comes from .* at 10\.0\.0\.2/,
  });
  assert.equal(entry("reviews-vm-1")?.spec.address, "10.0.0.1");
  assert.equal(changes.length, 1);
  assert.ok(logged.lines.some((line) => line.level === "warn" && line["code"] === "LAT4403"));
  registration.disconnected("second"); // was refused: of no effect
  registration.disconnected("first");
  connect("second", node({ ips: ["10.0.0.2"] }));
  assert.equal(entry("reviews-vm-1")?.spec.address, "10.0.0.2");
  await clock.advance(10 * graceMs);
  assert.deepEqual(names(), ["reviews-vm-1"]);
});

const oneNode = (more: NodeOverrides = {}): NodeInfo => node({ autoRegisterGroup: "a", machine: "b-c", ...more });
const twoNode = (more: NodeOverrides = {}): NodeInfo =>
  node({ autoRegisterGroup: "a-b", machine: "c", ips: ["10.0.0.2"], ...more });

test("F21: an entry's name is for one group: no other account takes it by the name of its machine, whoever comes first", async () => {
  setGroup("a", { template: { serviceAccount: "one" } });
  setGroup("a-b", { template: { serviceAccount: "two" } });
  connect("1", oneNode(), spiffe("one"));
  assert.deepEqual(names(), [], "served, but not registered");
  assert.ok(logged.lines.some((line) => line.level === "warn" && line["code"] === "LAT4403"));
  connect("2", twoNode(), spiffe("two"));
  assert.equal(entry("a-b-c")?.spec.serviceAccount, "two");
  registration.disconnected("2");
  await clock.advance(graceMs);
  assert.deepEqual(names(), []);
  deleteGroup("a-b");
  assert.equal(entry("a-b-c")?.spec.serviceAccount, "one", "it waited");
});

test("F21: a machine that has a name from before the group it is for keeps it until that group's machine comes", async () => {
  setGroup("a", { template: { serviceAccount: "one" } });
  connect("1", oneNode(), spiffe("one"));
  setGroup("a-b", { template: { serviceAccount: "two" } });
  registration.disconnected("1");
  connect("1b", oneNode(), spiffe("one"));
  assert.equal(entry("a-b-c")?.spec.serviceAccount, "one");
  connect("2", twoNode(), spiffe("two"));
  assert.equal(entry("a-b-c")?.spec.serviceAccount, "two");
  assert.equal(registration.machineOf("1b"), undefined);
  assert.match(await metrics.text(), /\nlateen_unregistered_machines 1\n/);
});

test("F21: of one account's groups, those of one name do not get in each other's way until two machines do", () => {
  setGroup("a", { template: { serviceAccount: "one" } });
  setGroup("a-b", { template: { serviceAccount: "one" } });
  connect("1", oneNode(), spiffe("one"));
  assert.deepEqual(names(), ["a-b-c"]);
  assert.throws(() => connect("2", twoNode(), spiffe("one")), { code: "LAT4403" });
});

/** A machine of another account, which says that it has the address of the machines of `node()`. */
const lowNode = (more: NodeOverrides = {}): NodeInfo => node({ autoRegisterGroup: "low", machine: "low-1", ...more });
const connectLow = (id: string, origin: { address?: string } = {}, from = lowNode()): void =>
  connect(id, from, spiffe("low"), origin);

test("an address is not lost to another account's claim, neither while its machine is away nor after a restart", async () => {
  setGroup("low", { template: { serviceAccount: "low" } });
  const noted: MachineRecord[] = [];
  await registration.stop();
  reopen({ journal: { note: (_, record) => void (record && noted.push(record)) } });
  registration.entries.subscribe((batch) => changes.push(...batch));
  connect("1");
  connectLow("low");
  assert.deepEqual(names(), ["reviews-vm-1"]);
  registration.disconnected("1");
  await clock.advance(graceMs - 1);
  connect("2");
  assert.deepEqual(names(), ["reviews-vm-1"]);
  assert.deepEqual(
    changes.map(({ after }) => after !== undefined),
    [true, true],
    "no gap",
  );

  await registration.stop();
  reopen();
  registration.restore(noted);
  connectLow("3");
  assert.deepEqual(names(), ["reviews-vm-1"]);
  connect("4");
  await clock.advance(restoredGraceMs);
  assert.deepEqual(names(), ["reviews-vm-1"]);
});

test("a machine that waits for another account's address is registered when that one has gone", async () => {
  setGroup("low", { template: { serviceAccount: "low" } });
  connectLow("liar");
  connect("1");
  assert.deepEqual(names(), ["low-low-1"], "served, but not registered");
  assert.match(await metrics.text(), /\nlateen_unregistered_machines 1\n/);
  connect("1"); // the same connection
  registration.disconnected("liar");
  assert.deepEqual(names(), ["low-low-1"]);
  await clock.advance(graceMs);
  assert.deepEqual(names(), ["reviews-vm-1"]);
  assert.match(await metrics.text(), /\nlateen_unregistered_machines 0\n/);
  registration.disconnected("1");
  await clock.advance(graceMs);
  assert.deepEqual(names(), []);
});

test("a machine that cannot be registered when its turn comes goes on waiting", async () => {
  setGroup("low", { template: { serviceAccount: "low" } });
  const waiting = async (count: number): Promise<void> =>
    assert.match(await metrics.text(), new RegExp(`\\nlateen_unregistered_machines ${count}\\n`));
  connectLow("liar");
  connect("1");
  // Without its group.
  deleteGroup("reviews");
  registration.disconnected("liar");
  await clock.advance(graceMs);
  await waiting(1);
  // With a group that is another account's.
  setGroup("reviews", { template: { serviceAccount: "other" } });
  await waiting(1);
  assert.deepEqual(names(), []);
  setGroup("reviews", { template: { serviceAccount: "reviews" } });
  assert.deepEqual(names(), ["reviews-vm-1"]);
  await waiting(0);
  // As the fifth machine of a certificate.
  connectLow("liar-2", {}, lowNode({ ips: ["10.0.0.2"] }));
  const certificate = "0A";
  const other = (id: string, ip: string): void =>
    connect(id, node({ machine: id, ips: [ip] }), spiffe(), { certificate });
  other("waits", "10.0.0.2");
  for (const last of [3, 4, 5, 6]) other(`vm-${last}`, `10.0.0.${last}`);
  registration.disconnected("liar-2");
  await clock.advance(graceMs);
  await waiting(1);
  registration.disconnected("vm-3");
  await clock.advance(graceMs);
  await waiting(0);
  assert.ok(names().includes("reviews-waits"));
});

test("a connection that ends while it waits is forgotten", async () => {
  setGroup("low", { template: { serviceAccount: "low" } });
  connect("1");
  connectLow("2");
  registration.disconnected("2");
  registration.disconnected("1");
  await clock.advance(graceMs);
  assert.deepEqual(names(), []);
});

test("who is seen at the address has it, before another account that only says so", async () => {
  setGroup("low", { template: { serviceAccount: "low" } });
  connectLow("liar", { address: "10.0.0.66" });
  connect("1", node(), spiffe(), { address: "::ffff:10.0.0.1" });
  assert.deepEqual(names(), ["reviews-vm-1"]);
  connectLow("liar-2", { address: "10.0.0.66" });
  registration.disconnected("1");
  assert.deepEqual(names(), ["reviews-vm-1"]);
  await clock.advance(graceMs);
  assert.deepEqual(names(), ["low-low-1"]);
});

test("F20: an address that another account's machine had is used again at once where that one was never seen", () => {
  setGroup("low", { template: { serviceAccount: "low" } });
  connect("1", node(), spiffe(), { address: "192.0.2.1" });
  registration.disconnected("1");
  connectLow("2", { address: "10.0.0.1" });
  assert.deepEqual(names(), ["low-low-1"]);
});

test("who comes from a machine's address, being behind it, does not get the address while the machine is away for a moment", async () => {
  setGroup("low", { template: { serviceAccount: "low" } });
  const connectHost = (id: string): void => connect(id, node(), spiffe(), { address: "10.0.0.1" });
  connectHost("host");
  connectLow("inner", { address: "10.0.0.1" });
  registration.disconnected("host");
  assert.deepEqual(names(), ["reviews-vm-1"]);
  await clock.advance(graceMs - 1);
  connectLow("inner-2", { address: "10.0.0.1" });
  connectHost("host-2");
  await clock.advance(10 * graceMs);
  assert.deepEqual(names(), ["reviews-vm-1"]);
  assert.ok(changes.every((change) => change.after !== undefined));
  registration.disconnected("host-2");
  await clock.advance(graceMs);
  assert.deepEqual(names(), ["low-low-1"], "it waited");
});

test("machines that register while others are being worked in come together", async () => {
  let workMs = 0;
  const slow = new SlowClock(() => workMs);
  await registration.stop();
  reopen({ clock: slow });
  const batches: number[] = [];
  registration.entries.subscribe((batch) => {
    batches.push(batch.length);
    slow.worked();
  });
  workMs = 100;
  for (let count = 1; count <= 50; count++)
    connect(`${count}`, node({ machine: `vm-${count}`, ips: [`10.0.1.${count}`] }));
  assert.deepEqual(batches, [1], "the first at once");
  for (let count = 1; count <= 10; count++) registration.disconnected(`${count}`);
  await slow.advance(399);
  assert.deepEqual(batches, [1]);
  await slow.advance(1);
  assert.deepEqual(batches, [1, 49]);
  workMs = 3_000;
  await slow.advance(graceMs);
  assert.deepEqual(batches, [1, 49, 1]);
  await slow.advance(1_000);
  assert.deepEqual(batches, [1, 49, 1, 9], "leaving machines likewise, after a second at most");
  assert.equal(registration.entries.size, 40);
  await registration.stop();
  assert.equal(slow.pending, 0);
});

test("one certificate registers a few machines, not a flood", async () => {
  const ips = (count: number): string[] => [`10.0.1.${count}`];
  const certificate = "0A";
  for (let count = 1; count <= 4; count++) {
    connect(`${count}`, node({ machine: `vm-${count}`, ips: ips(count) }), spiffe(), { certificate });
  }
  const fifth = node({ machine: "vm-5", ips: ips(5) });
  assert.throws(() => connect("5", fifth, spiffe(), { certificate }), { code: "LAT4407" });
  connect("1b", node({ machine: "vm-1", ips: ips(1) }), spiffe(), { certificate });
  connect("6", fifth, spiffe(), { certificate: "0B" });
  // Renewed: the machine counts for its new certificate.
  connect("2b", node({ machine: "vm-2", ips: ips(2) }), spiffe(), { certificate: "0C" });
  connect("7", node({ machine: "vm-7", ips: ips(7) }), spiffe(), { certificate });
  registration.disconnected("3");
  await clock.advance(graceMs);
  connect("8", node({ machine: "vm-8", ips: ips(8) }), spiffe(), { certificate });
});

test("T19, T20: an address belongs to one connected machine of a network", () => {
  connect("1");
  assert.throws(() => connect("2", node({ machine: "vm-2" })), {
    code: "LAT4404",
    message: /belongs to shop\/reviews-vm-1/,
  });
  setGroup("far", { template: { serviceAccount: "reviews", network: "other" } });
  connect("3", node({ machine: "vm-3", autoRegisterGroup: "far" }));
  assert.deepEqual(names(), ["far-vm-3", "reviews-vm-1"]);
});

test("a machine does not get another one's address by naming a network of its own", async () => {
  setGroup("low", { template: { serviceAccount: "low" } });
  connect("1");
  connectLow("low", {}, lowNode({ network: "zzz" }));
  connectLow("istio", {}, lowNode({ network: "zzz", metadata: {} }));
  assert.deepEqual(names(), ["reviews-vm-1"]);
  assert.throws(() => connect("2", istioNode({ network: "zzz" })), { code: "LAT4404" });
  registration.disconnected("1");
  await clock.advance(graceMs);
  assert.deepEqual(names(), ["low-low-1"]);
  assert.equal(entry("low-low-1")?.spec.network, undefined);
});

test("F20: when an address is used again, the old machine is out before the new one is in", () => {
  connect("1");
  registration.disconnected("1");
  changes.length = 0;
  connect("2", node({ machine: "vm-2" }));
  assert.deepEqual(names(), ["reviews-vm-2"]);
  assert.deepEqual(
    changes.map(({ key, after }) => [key.split("/").at(-1), after !== undefined]),
    [
      ["reviews-vm-1", false],
      ["reviews-vm-2", true],
    ],
  );
});
