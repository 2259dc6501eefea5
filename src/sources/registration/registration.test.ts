import assert from "node:assert/strict";
import { test } from "node:test";
import type { ApiObject } from "../../config/object.ts";
import { validateObject } from "../../config/validate.ts";
import { workloadEntryKind } from "../../config/workload-entry/workload-entry.ts";
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
  names,
  node,
  registration,
  reopen,
  setGroup,
  spiffe,
  useRegistration,
} from "./registration-rig.fake.ts";

useRegistration();

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
  reopen({ allowLoopback: true });
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
