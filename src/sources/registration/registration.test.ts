import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import fc from "fast-check";
import type { Change } from "../../collection/collection.ts";
import { Graph } from "../../collection/graph.ts";
import { Source } from "../../collection/source.ts";
import { type ApiObject, type Config, formatConfigKey } from "../../config/object.ts";
import { validateObject } from "../../config/validate.ts";
import { type WorkloadEntry, workloadEntryKind } from "../../config/workload-entry/workload-entry.ts";
import type { WorkloadGroup } from "../../config/workload-group/workload-group.ts";
import { FakeClock } from "../../kernel/clock.fake.ts";
import { fakeLog } from "../../kernel/log.fake.ts";
import { Metrics } from "../../kernel/metric.ts";
import type { NodeInfo } from "../../xds/node-info.ts";
import type { MachineRecord } from "./machine-record.ts";
import { Registration, restoredGraceMs } from "./registration.ts";
import type { RegistrationOptions } from "./registration-options.ts";

const graceMs = 10_000;

/** A clock on which work takes time. */
class SlowClock extends FakeClock {
  private readonly workMs: () => number;
  private workedMs = 0;

  constructor(workMs: () => number) {
    super();
    this.workMs = workMs;
  }

  worked(): void {
    this.workedMs += this.workMs();
  }

  override monotonic(): number {
    return super.monotonic() + this.workedMs;
  }
}

let graph: Graph;
let groups: Source<Config<WorkloadGroup>>;
let clock: FakeClock;
let logged: ReturnType<typeof fakeLog>;
let metrics: Metrics;
let registration: Registration;
let changes: Change<Config<WorkloadEntry>>[];

beforeEach(() => {
  graph = new Graph((failure) => {
    throw failure.error;
  });
  groups = new Source(graph, "groups");
  clock = new FakeClock();
  logged = fakeLog();
  metrics = new Metrics();
  registration = open();
  changes = [];
  registration.entries.subscribe((batch) => changes.push(...batch));
  setGroup("reviews", { template: { serviceAccount: "reviews", ports: { http: 9080 } } });
});
afterEach(async () => {
  await registration.stop();
  assert.equal(clock.pending, 0, "no timer is left");
  assert.equal(groups.observers, 0, "nobody listens any more");
});

function open(more: Partial<RegistrationOptions> = {}): Registration {
  const { log } = logged;
  return new Registration({ graph, groups, source: "cluster-1", controller: "cp-1", clock, log, metrics, ...more });
}

function setGroup(name: string, spec: WorkloadGroup, uid?: string): void {
  const key = { source: "s", group: "networking.istio.io", kind: "WorkloadGroup", namespace: "shop", name };
  const meta = { name, namespace: "shop", ...(uid === undefined ? {} : { uid }) };
  groups.set(formatConfigKey(key), { key, meta, spec });
}

function deleteGroup(name: string): void {
  for (const [key, group] of [...groups.entries()]) if (group.key.name === name) groups.delete(key);
}

interface NodeOverrides extends Partial<NodeInfo> {
  machine?: string;
}

function node({ machine = "vm-1", ...more }: NodeOverrides = {}): NodeInfo {
  const ips = more.ips ?? ["10.0.0.1"];
  return {
    id: `sidecar~${ips[0]}~${machine}.shop~shop.svc.cluster.local`,
    cluster: "",
    type: "sidecar",
    ips,
    name: `${machine}.shop`,
    dnsDomain: "shop.svc.cluster.local",
    namespace: "shop",
    serviceAccount: "reviews",
    labels: {},
    locality: undefined,
    network: "",
    clusterId: "",
    istioVersion: undefined,
    agentVersion: undefined,
    envoyVersion: undefined,
    generator: undefined,
    autoRegisterGroup: "reviews",
    dnsCapture: false,
    capabilities: new Set(),
    metadata: { LATEEN: { version: "1" } },
    ...more,
  };
}

const istioNode = (more: NodeOverrides = {}): NodeInfo => node({ metadata: {}, ...more });
const spiffe = (account = "reviews", namespace = "shop"): string[] => [
  `spiffe://cluster.local/ns/${namespace}/sa/${account}`,
];

function connect(
  connectionId: string,
  from: NodeInfo = node(),
  identities = spiffe(),
  origin: { address?: string; certificate?: string } = {},
): void {
  registration.connected({ connectionId, identities, node: from, ...origin });
}

function entry(name: string): Config<WorkloadEntry> | undefined {
  return registration.entries.get(`cluster-1/networking.istio.io/WorkloadEntry/shop/${name}`);
}

const names = (): string[] => [...registration.entries.values()].map(({ key }) => key.name).sort();

test("a connection speaks for the machine it registered, while its entry is in the mesh", () => {
  setGroup("reviews", { template: { serviceAccount: "reviews" } });
  connect("1");
  connect("2", node({ autoRegisterGroup: undefined }));
  const key = "cluster-1/networking.istio.io/WorkloadEntry/shop/reviews-vm-1";
  assert.deepEqual(
    ["1", "2", "3"].map((id) => registration.machineOf(id)),
    [key, undefined, undefined],
  );
  deleteGroup("reviews");
  assert.equal(registration.machineOf("1"), undefined);
});

test("a connected machine has a WorkloadEntry made of its group", () => {
  setGroup(
    "reviews",
    {
      template: { serviceAccount: "reviews", ports: { http: 9080 }, weight: 3, labels: { app: "reviews", a: "t" } },
      metadata: { labels: { a: "m", version: "v2" }, annotations: { note: "x" } },
    },
    "uid-1",
  );
  connect("1", node({ ips: ["10.0.0.1", "2001:db8::1"], locality: { region: "r", zone: "z", subZone: "" } }));
  const labels = {
    app: "reviews",
    a: "m",
    version: "v2",
    "security.istio.io/tlsMode": "istio",
    "service.istio.io/canonical-name": "reviews",
    "service.istio.io/canonical-revision": "v2",
  };
  assert.deepEqual(entry("reviews-vm-1"), {
    key: {
      source: "cluster-1",
      group: "networking.istio.io",
      kind: "WorkloadEntry",
      namespace: "shop",
      name: "reviews-vm-1",
    },
    meta: {
      name: "reviews-vm-1",
      namespace: "shop",
      labels,
      annotations: {
        note: "x",
        "istio.io/autoRegistrationGroup": "reviews",
        "istio.io/connectedAt": "2026-01-01T00:00:00.000Z",
        "istio.io/workloadController": "cp-1",
      },
      creationTimestamp: "2026-01-01T00:00:00Z",
      ownerReferences: [
        {
          apiVersion: "networking.istio.io/v1",
          kind: "WorkloadGroup",
          name: "reviews",
          uid: "uid-1",
          controller: true,
        },
      ],
    },
    spec: {
      address: "10.0.0.1",
      labels,
      serviceAccount: "reviews",
      ports: { http: 9080 },
      weight: 3,
      locality: "r/z",
    },
  });
});

test("what is registered is a valid WorkloadEntry", () => {
  const labels = { "bad key!": "x", "topology.kubernetes.io/zone": "bad value!", "topology.kubernetes.io/region": "r" };
  connect("1", node({ labels, network: "net-1" }));
  const made = entry("reviews-vm-1");
  assert.ok(made);
  const object = { apiVersion: "networking.istio.io/v1", kind: "WorkloadEntry", metadata: made.meta, spec: made.spec };
  const problems = validateObject(workloadEntryKind, object as ApiObject);
  assert.deepEqual(
    problems.filter((problem) => problem.severity === "error"),
    [],
  );
  assert.equal(made.spec.labels?.["topology.kubernetes.io/region"], "r");
  assert.equal(made.spec.labels?.["topology.kubernetes.io/zone"], undefined);
});

test("a machine cannot choose what it is by labels: the group says it, the machine only says where it is", () => {
  setGroup("reviews", {
    template: { serviceAccount: "reviews", labels: { app: "reviews", "topology.istio.io/network": "n" } },
  });
  const labels = {
    app: "bank",
    version: "v9",
    team: "x",
    "service.istio.io/canonical-name": "bank",
    "security.istio.io/tlsMode": "disabled",
    "topology.istio.io/network": "mine",
    "topology.kubernetes.io/region": "r",
  };
  connect("1", istioNode({ labels }));
  connect("2", node({ ips: ["10.0.0.2"], labels }));
  for (const name of ["reviews-10.0.0.1", "reviews-vm-1"]) {
    assert.deepEqual(
      entry(name)?.spec.labels,
      {
        app: "reviews",
        "topology.istio.io/network": "n",
        "topology.kubernetes.io/region": "r",
        "service.istio.io/canonical-name": "reviews",
        "service.istio.io/canonical-revision": "latest",
        "security.istio.io/tlsMode": "istio",
      },
      name,
    );
  }
});

test("an Istio agent's entry is named by address and network", () => {
  setGroup("reviews", { template: { serviceAccount: "reviews", network: "template-net", locality: "t" } });
  connect("1", istioNode());
  const first = entry("reviews-10.0.0.1");
  assert.equal(first?.spec.network, "template-net");
  assert.equal(first?.spec.locality, "t");
  connect(
    "2",
    istioNode({ ips: ["2001:db8::5"], network: "net-2", locality: { region: "r", zone: "z", subZone: "s" } }),
  );
  const second = entry("reviews-2001-db8--5-net-2");
  assert.equal(second?.spec.network, "template-net", "the group's word");
  assert.equal(second?.spec.locality, "r/z/s");
  connect("3", istioNode({ ips: ["2001:db8::"] }));
  assert.ok(entry("reviews-2001-db8--0"));
});

test("a machine that asks for no group is not registered", () => {
  connect("1", node({ autoRegisterGroup: undefined }));
  assert.equal(registration.entries.size, 0);
});

test("a missing group refuses the machine; once it exists the machine may come", () => {
  assert.throws(() => connect("1", node({ autoRegisterGroup: "later" })), { code: "LAT4401", message: /shop\/later/ });
  setGroup("later", { template: { serviceAccount: "reviews" } });
  connect("1", node({ autoRegisterGroup: "later" }));
  assert.deepEqual(names(), ["later-vm-1"]);
});

test("the proven identity must be the group's, whatever the node says", () => {
  for (const identities of [[], spiffe("other"), spiffe("reviews", "bank"), ["spiffe://cluster.local/admin"]]) {
    assert.throws(() => connect("1", node(), identities), { code: "LAT4402" });
  }
  assert.equal(registration.entries.size, 0);
  // Without an account a group is not for everybody: its tokens give "default".
  for (const [index, template] of [{}, { serviceAccount: "" }].entries()) {
    setGroup(`any-${index}`, { template });
    const claim = node({ autoRegisterGroup: `any-${index}`, ips: [`10.0.0.${index + 5}`] });
    assert.throws(() => connect(`w${index}`, claim, spiffe("whoever")), { code: "LAT4402" });
    connect(`d${index}`, claim, spiffe("default"));
    assert.equal(entry(`any-${index}-vm-1`)?.spec.serviceAccount, "default");
  }
});

test("T19: addresses that others cannot or must not reach are refused", () => {
  for (const ip of [
    "127.0.0.1",
    "::1",
    "0.0.0.0",
    "::",
    "169.254.169.254",
    "224.0.0.1",
    "fe80::1",
    "255.255.255.255",
    "x",
  ]) {
    assert.throws(() => connect("1", node({ ips: [ip] })), { code: "LAT4405" }, ip);
  }
  assert.throws(() => connect("1", node({ ips: ["::ffff:127.0.0.1"] })), { code: "LAT4405" });
});

test("loopback addresses are registered only where that was allowed", async () => {
  await registration.stop();
  metrics = new Metrics();
  registration = open({ allowLoopback: true });
  connect("1", node({ ips: ["127.0.0.9"] }));
  assert.deepEqual(names(), ["reviews-vm-1"]);
  assert.throws(() => connect("2", node({ machine: "vm-2", ips: ["0.0.0.0"] })), { code: "LAT4405" });
});

test("T15: names that no WorkloadEntry can have are refused", () => {
  for (const machine of ["../x", "a/b", "A", "a_b", "x\0"]) {
    assert.throws(() => connect("1", node({ machine })), { code: "LAT4405" }, machine);
  }
  assert.throws(() => connect("1", istioNode({ network: "Net/1" })), { code: "LAT4405" });
});

test("an entry goes 10 s after its last connection, not before", async () => {
  connect("1");
  registration.disconnected("1");
  await clock.advance(graceMs - 1);
  assert.deepEqual(names(), ["reviews-vm-1"]);
  await clock.advance(1);
  assert.deepEqual(names(), []);
});

test("a machine that comes back in time keeps its entry without a gap", async () => {
  connect("1");
  registration.disconnected("1");
  await clock.advance(graceMs - 1);
  connect("2");
  await clock.advance(10 * graceMs);
  assert.deepEqual(names(), ["reviews-vm-1"]);
  assert.ok(changes.every((change) => change.after !== undefined));
  assert.equal(entry("reviews-vm-1")?.meta.annotations?.["istio.io/connectedAt"], "2026-01-01T00:00:09.999Z");
  assert.equal(entry("reviews-vm-1")?.meta.creationTimestamp, "2026-01-01T00:00:00Z");
});

test("the newest connection of a machine speaks for it; the end of an older one changes nothing", async () => {
  connect("old");
  connect("new", node({ ips: ["10.0.0.1", "10.0.0.2"], locality: { region: "r2", zone: "", subZone: "" } }));
  assert.equal(entry("reviews-vm-1")?.spec.locality, "r2");
  registration.disconnected("old");
  await clock.advance(10 * graceMs);
  assert.equal(entry("reviews-vm-1")?.spec.locality, "r2");
  registration.disconnected("new");
  registration.disconnected("new");
  await clock.advance(graceMs);
  assert.deepEqual(names(), []);
});

test("an older connection that is still open keeps the machine when the newer one ends", async () => {
  connect("old");
  connect("new");
  registration.disconnected("new");
  await clock.advance(10 * graceMs);
  assert.deepEqual(names(), ["reviews-vm-1"]);
  registration.disconnected("old");
  await clock.advance(graceMs);
  assert.deepEqual(names(), []);
});

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
  metrics = new Metrics();
  registration = open({ journal: { note: (_, record) => void (record && noted.push(record)) } });
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
  metrics = new Metrics();
  registration = open();
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
  metrics = new Metrics();
  registration = open({ clock: slow });
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

test("a machine that moved to another address holds the new one and frees the old", () => {
  connect("1", node({ ips: ["10.0.0.1", "10.0.0.2"] }));
  connect("2", node({ ips: ["10.0.0.2", "10.0.0.1"] }));
  assert.equal(entry("reviews-vm-1")?.spec.address, "10.0.0.2");
  connect("3", node({ machine: "vm-3", ips: ["10.0.0.1"] }));
  assert.throws(() => connect("4", node({ machine: "vm-4", ips: ["10.0.0.2"] })), { code: "LAT4404" });
});

test("a change of the group reaches its entries, and only what differs", () => {
  connect("1", node({ labels: { version: "v1" } }));
  connect("2", node({ machine: "vm-2", ips: ["10.0.0.2"] }));
  changes.length = 0;
  setGroup("reviews", { template: { serviceAccount: "reviews", labels: { version: "v2" }, weight: 5 } });
  assert.equal(changes.length, 2);
  assert.equal(entry("reviews-vm-1")?.spec.labels?.["version"], "v2");
  assert.equal(entry("reviews-vm-1")?.spec.weight, 5);
  changes.length = 0;
  setGroup("reviews", { template: { serviceAccount: "reviews", labels: { version: "v2" }, weight: 5 }, probe: {} });
  setGroup("other", { template: {} });
  assert.equal(changes.length, 0);
});

test("entries go with their group and come back with it", async () => {
  connect("1");
  deleteGroup("reviews");
  assert.deepEqual(names(), []);
  setGroup("reviews", { template: { serviceAccount: "reviews" } });
  assert.deepEqual(names(), ["reviews-vm-1"]);
  deleteGroup("reviews");
  registration.disconnected("1");
  await clock.advance(graceMs);
  setGroup("reviews", { template: { serviceAccount: "reviews" } });
  assert.deepEqual(names(), []);
});

test("a group whose service account changes loses the machines that have the old one", () => {
  connect("1");
  setGroup("reviews", { template: { serviceAccount: "other" } });
  assert.deepEqual(names(), []);
  assert.ok(logged.lines.some((line) => line.level === "warn" && /took a machine out/.test(line.msg)));
  setGroup("reviews", { template: { serviceAccount: "reviews" } });
  assert.deepEqual(names(), ["reviews-vm-1"]);
});

test("of a machine's connections the newest eight are remembered", async () => {
  for (let count = 0; count < 12; count++) connect(`c${count}`);
  for (let count = 4; count < 12; count++) registration.disconnected(`c${count}`);
  await clock.advance(graceMs);
  assert.deepEqual(names(), []);
});

test("Istio's metrics count what happens", async () => {
  connect("1");
  connect("2");
  registration.disconnected("1");
  registration.disconnected("2");
  assert.throws(() => connect("3", node(), spiffe("other")));
  await clock.advance(graceMs);
  const text = await metrics.text();
  for (const line of [
    "auto_registration_success_total 1",
    "auto_registration_updates_total 1",
    "auto_registration_unregister_total 1",
    "auto_registration_deletes_total 1",
    "auto_registration_errors_total 1",
    "lateen_registered_machines 0",
  ]) {
    assert.ok(text.includes(`\n${line}\n`), line);
  }
});

test("whatever machines and groups do, entries are those of machines that are here, one for each address", async () => {
  const step = fc.oneof(
    { weight: 5, arbitrary: fc.tuple(fc.constant("connect" as const), fc.nat(5), fc.nat(3), fc.nat(1)) },
    { weight: 4, arbitrary: fc.tuple(fc.constant("disconnect" as const), fc.nat(30), fc.constant(0), fc.constant(0)) },
    { weight: 2, arbitrary: fc.tuple(fc.constant("pass" as const), fc.nat(graceMs), fc.constant(0), fc.constant(0)) },
    { weight: 1, arbitrary: fc.tuple(fc.constant("group" as const), fc.nat(2), fc.constant(0), fc.constant(0)) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const open = new Map<string, string>();
      const seen = new Map<string, number>();
      let count = 0;
      setGroup("reviews", { template: { serviceAccount: "reviews" } });
      for (const [what, a, b, c] of steps) {
        if (what === "connect") {
          const id = `p${count++}`;
          const from = (c === 0 ? node : istioNode)({ machine: `vm-${a}`, ips: [`10.0.0.${b + 1}`] });
          try {
            connect(id, from);
            open.set(id, c === 0 ? `reviews-vm-${a}` : `reviews-10.0.0.${b + 1}`);
          } catch (error) {
            assert.match((error as { code: string }).code, /^LAT440[1-4]$/);
          }
        } else if (what === "disconnect") {
          const id = [...open.keys()][a % Math.max(1, open.size)] ?? "none";
          seen.set(open.get(id) ?? "", clock.monotonic());
          open.delete(id);
          registration.disconnected(id);
        } else if (what === "pass") await clock.advance(a);
        else if (a === 0) deleteGroup("reviews");
        else setGroup("reviews", { template: { serviceAccount: a === 1 ? "reviews" : "other" } });

        const present = names();
        const account = [...groups.values()][0]?.spec.template.serviceAccount;
        if (account === "reviews") {
          for (const name of open.values()) assert.ok(present.includes(name), `${name} is connected and has no entry`);
        } else {
          assert.deepEqual(present, []);
        }
        for (const name of present) {
          const gone = clock.monotonic() - (seen.get(name) ?? Number.NEGATIVE_INFINITY) >= graceMs;
          assert.ok([...open.values()].includes(name) || !gone, `${name} outlived its machine`);
        }
        const addresses = [...registration.entries.values()].map(({ spec }) => spec.address);
        assert.equal(new Set(addresses).size, addresses.length, "one entry for each address");
      }
      for (const id of open.keys()) registration.disconnected(id);
      await clock.advance(graceMs);
      assert.deepEqual(names(), []);
      assert.equal(clock.pending, 0);
    }),
    { numRuns: 300 },
  );
});

test("whatever two accounts claim, an address has one entry, and nobody waits for nothing", async () => {
  const setAccount = (group: string, serviceAccount = group): void => setGroup(group, { template: { serviceAccount } });
  const step = fc.oneof(
    { weight: 5, arbitrary: fc.tuple(fc.constant("connect" as const), fc.nat(7), fc.nat(1)) },
    { weight: 3, arbitrary: fc.tuple(fc.constant("disconnect" as const), fc.nat(30), fc.constant(0)) },
    { weight: 2, arbitrary: fc.tuple(fc.constant("pass" as const), fc.nat(3 * graceMs), fc.constant(0)) },
    { weight: 2, arbitrary: fc.tuple(fc.constant("group" as const), fc.nat(1), fc.nat(2)) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40, size: "max" }), async (steps) => {
      const open = new Map<string, { name: string; address: string; seen: boolean }>();
      let count = 0;
      for (const group of ["low", "reviews"]) setAccount(group);
      for (const [what, a, b] of steps) {
        if (what === "connect") {
          const id = `q${count++}`;
          const [low, seen, machine] = [a % 2 === 0, a % 4 < 2, `vm-${a >> 2}`];
          const address = `10.0.0.${b + 1}`;
          const from = node({ machine, ips: [address], autoRegisterGroup: low ? "low" : "reviews" });
          try {
            connect(id, from, spiffe(low ? "low" : "reviews"), { address: seen ? address : "10.9.9.9" });
            open.set(id, { name: `${low ? "low" : "reviews"}-${machine}`, address, seen });
          } catch (error) {
            assert.match((error as { code: string }).code, /^LAT440[1-4]$/);
          }
        } else if (what === "disconnect") {
          const id = [...open.keys()][a % Math.max(1, open.size)] ?? "none";
          open.delete(id);
          registration.disconnected(id);
        } else if (what === "pass") await clock.advance(a);
        else {
          const group = a === 0 ? "low" : "reviews";
          if (b === 0) deleteGroup(group);
          else setAccount(group, b === 1 ? "other" : group);
        }

        const entries = [...registration.entries.values()];
        const addresses = entries.map(({ spec }) => spec.address);
        assert.equal(new Set(addresses).size, addresses.length, "one entry for each address");
      }
      for (const group of ["low", "reviews"]) setAccount(group);
      const [last] = [...open.entries()].reverse();
      for (const id of open.keys()) if (id !== last?.[0]) registration.disconnected(id);
      await clock.advance(graceMs);
      assert.deepEqual(names(), last === undefined ? [] : [last[1].name]);
      if (last !== undefined) registration.disconnected(last[0]);
      await clock.advance(graceMs);
      assert.deepEqual(names(), []);
      assert.equal(clock.pending, 0);
    }),
    { numRuns: 300 },
  );
});
