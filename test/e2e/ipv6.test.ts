// What holds over IPv4 holds over IPv6, at addresses of every kind, and at those that come later.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { netSysctl } from "../../src/capture/net-sysctl.fake.ts";
import { meshService, peerAuthentication, workloadGroup } from "../kit/echo-objects.ts";
import { eventually } from "../kit/eventually.ts";
import type { Machine } from "../kit/machine.ts";
import { Mesh, rootOnly } from "../kit/mesh.ts";

/** No service names this port. */
const otherPort = 8081;
/** The agent looks at addresses every 5 s, and believes what it sees twice. */
const soon = { withinMs: 30_000, everyMs: 500 };

const front = "spiffe://cluster.local/ns/shop/sa/front";

/** A service at addresses that are written down. */
function serviceAt(name: string, address: string, port: number, vip: string): string {
  return `apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: ${name}, namespace: shop}
spec:
  hosts: [${name}.shop.svc.cluster.local]
  addresses: ["${vip}"]
  location: MESH_INTERNAL
  resolution: STATIC
  ports: [{number: 80, name: http-${port}, protocol: HTTP, targetPort: ${port}}]
  endpoints: [{address: "${address}", serviceAccount: echo}]
---
`;
}

const denied = `apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: not-here, namespace: shop}
spec:
  action: DENY
  rules: [{to: [{operation: {ports: ["${otherPort}"]}}]}]
---
`;

function setSysctl({ host }: Machine, disabled: number): Promise<unknown> {
  const [program, ...args] = netSysctl("net.ipv6.conf.all.disable_ipv6", disabled);
  return host.run(program, args);
}

describe("IPv6", rootOnly, () => {
  let mesh: Mesh;
  let outsider: Machine;
  let caller: Machine;
  let echo: Machine;
  /** A machine whose only IPv6 address is link-local. */
  let local: Machine;

  before(async () => {
    const groups = workloadGroup("front") + workloadGroup("echo") + workloadGroup("local");
    mesh = await Mesh.start({ objects: groups + meshService("echo") + meshService("local") });
    outsider = await mesh.addMachine("outsider", { ipv6: true });
    caller = await mesh.join("front-1", "shop/front", { ipv6: true });
    echo = await mesh.join("echo-1", "shop/echo", { ipv6: true, echo: true });
    local = await mesh.join("local-1", "shop/local", { echo: true });
    for (const machine of [echo, local]) await machine.startRootEcho(`${machine.host.name}-other`, otherPort);
    await mesh.control.apply(serviceAt("six", echo.host.address6, 8080, "fd00:5e::6"));
  });
  after(() => mesh.stop());

  it("is captured where the machine has a link-local address alone", async () => {
    assert.match(await local.rules(), /chain inbound \{[\s\S]*redirect to :15006/);
    assert.doesNotMatch(await local.rules(), /nfproto ipv6/);
    assert.deepEqual(await listenersOf(local), ["[::1]:15053", "[::]:15001", "[::]:15006"]);
  });

  it("lets in what IPv4 lets in, through Envoy", async () => {
    for (const [place, written] of [
      [echo.host.address, echo.host.address],
      [echo.host.address6, `[${echo.host.address6}]`],
    ] as const) {
      for (const port of [8080, otherPort]) {
        assert.equal(await outsider.status(`http://machine:${port}/`, { at: place }), 200, `${place} ${port}`);
      }
      const clusters = await echo.page(15000, "/clusters");
      assert.ok(clusters.includes(`inbound|8080||::${written}:8080::cx_total::1`));
      assert.ok(clusters.includes(`InboundPassthroughCluster::${written}:${otherPort}::cx_total::1`));
    }
  });

  it("passes nothing on that comes to a link-local address, whatever policies say", async () => {
    // The kernel does not bring back what an application answers to ::6 from there.
    const [place = ""] = (await placesOf(local)).filter((each) => each.startsWith("fe80:"));
    assert.equal(await outsider.status(`http://machine:${otherPort}/`, { at: place }), 0);
  });

  it("carries calls of members to addresses that no service has", async () => {
    assert.equal(await caller.status(`http://[${echo.host.address6}]:${otherPort}/`), 200);
    assert.equal(await echo.status(`http://[${echo.host.address6}]:${otherPort}/`), 200, "of the machine to itself");
  });

  it("answers names with IPv6 addresses where the machine has one that others reach", async () => {
    assert.deepEqual(await caller.resolve("six.shop.svc.cluster.local", "ahostsv6"), ["fd00:5e::6"]);
    const [allocated = ""] = await caller.resolve("echo.shop.svc.cluster.local", "ahostsv6");
    assert.match(allocated, /^2001:2:/);
    const headers = { host: "echo.shop.svc.cluster.local" };
    const { status, body } = await caller.one(`http://[${allocated}]/`, { headers });
    assert.equal(status, 200);
    assert.match(body, new RegExp(`URI=${front}`));
    const { output } = await local.host.attempt("getent", ["ahosts", "echo.shop.svc.cluster.local"]);
    assert.doesNotMatch(output, /^2001:/m);
  });

  it("asks the machine's resolver over IPv6 as over IPv4", async () => {
    const machine = await mesh.join("resolver-1", "shop/front", { ipv6: true, resolver: "fd00:198:18::1" });
    assert.match((await machine.resolve("echo.shop.svc.cluster.local"))[0] ?? "", /^240\.240\./);
    await machine.stopAgent();
  });

  describe("under STRICT and DENY", () => {
    before(async () => {
      await mesh.control.apply(peerAuthentication("STRICT") + denied);
      await eventually(async () => assert.equal(await outsider.status(`http://${local.host.address}:8080/`), 0));
      await eventually(async () => assert.equal(await outsider.status(`http://${echo.host.address}:8080/`), 0));
    });

    it("refuses an outsider at every address", async () => {
      for (const machine of [echo, local]) {
        for (const place of await placesOf(machine)) {
          for (const port of [8080, otherPort]) {
            assert.equal(await outsider.status(`http://machine:${port}/`, { at: place }), 0, `${place} ${port}`);
          }
        }
      }
    });

    it("carries calls of members with mutual TLS", async () => {
      await eventually(async () => {
        const { status, body } = await caller.one("http://six.shop.svc.cluster.local/");
        assert.equal(status, 200);
        assert.match(body, new RegExp(`URI=${front}`));
      });
      assert.equal(await caller.status(`http://[${echo.host.address6}]:8080/`), 0, "in plaintext it is refused");
    });

    it("refuses an outsider at an address that came after the join, and members are let in there", async () => {
      await echo.host.run("ip", ["address", "add", "fd77::11/64", "dev", "eth0"]);
      await outsider.host.run("ip", ["address", "add", "fd77::66/64", "dev", "eth0"]);
      await caller.host.run("ip", ["address", "add", "fd77::12/64", "dev", "eth0"]);
      for (const port of [8080, otherPort]) assert.equal(await outsider.status(`http://[fd77::11]:${port}/`), 0);
      await echo.startRootEcho("echo-late", 8082);
      await mesh.control.apply(serviceAt("late", "fd77::11", 8082, "fd00:5e::77"));
      // Only a port that belongs to a service at one of the machine's addresses is HTTP to its Envoy.
      await eventually(async () => {
        assert.match(await echo.page(15000, "/clusters"), /^inbound\|8082\|\|::/m);
        assert.match(await echo.page(15000, "/config_dump?resource=dynamic_listeners"), /inbound_0\.0\.0\.0_8082/);
      }, soon);
      const { status, body } = await caller.one("http://late.shop.svc.cluster.local/");
      assert.equal(status, 200);
      assert.match(body, new RegExp(`URI=${front}`));
      assert.equal(await outsider.status("http://[fd77::11]:8082/"), 0);
    });

    it("holds after IPv6 was switched off and on", async () => {
      const switchTo = (value: number) => setSysctl(local, value);
      await switchTo(1);
      assert.deepEqual(await local.host.addresses6("eth0"), []);
      await switchTo(0);
      const places = await eventually(async () => {
        const found = await placesOf(local);
        assert.equal(found.length, 2, "no link-local address");
        return found;
      }, soon);
      for (const place of places) assert.equal(await outsider.status("http://machine:8080/", { at: place }), 0, place);
      await eventually(async () => assert.deepEqual(await loopbackOf(local), ["::1", "::6"]), soon);
    });
  });

  it("does not disturb a machine on which it is switched off, and is there once it is switched on", async () => {
    const machine = await mesh.addMachine("off-1");
    await setSysctl(machine, 1);
    await machine.join(mesh.control.url, await mesh.control.token("shop/front"));
    assert.equal(await machine.status("http://echo.shop.svc.cluster.local/"), 200);
    await machine.assertNothingRejected();
    await setSysctl(machine, 0);
    await eventually(async () => {
      assert.deepEqual(await loopbackOf(machine), ["::1", "::6"]);
      assert.deepEqual(await listenersOf(machine), ["[::1]:15053", "[::]:15001", "[::]:15006"], "now it is on");
    }, soon);
    await machine.stopAgent();
  });

  it("stays closed where Envoy cannot listen at ::", async () => {
    const machine = await mesh.addMachine("taken-1", { ipv6: true });
    await machine.startEcho("taken-1");
    const occupy = `require("net").createServer((s) => s.destroy()).listen({port: 15006, host: "::", ipv6Only: true}, () => console.log("listens"))`;
    await machine.host.start(process.execPath, ["-e", occupy]).line(/listens/);
    const token = await mesh.control.token("shop/echo");
    machine.join(mesh.control.url, token).catch(() => {});
    await eventually(async () => assert.match(await machine.rules(), /redirect to :15006/), soon);
    for (const place of await placesOf(machine)) {
      assert.equal(await outsider.status("http://machine:8080/", { at: place }), 0, place);
    }
    const status = await mesh.control.lateen("proxy-status", "-o", "json");
    const [row] = (JSON.parse(status) as { name: string }[]).filter(({ name }) => name.startsWith("taken-1"));
    assert.match(JSON.stringify(row), /"NACK"/);
    await machine.stopAgent();
  });

  it("leaves nothing when the agent stops", async () => {
    assert.deepEqual(await loopbackOf(echo), ["::1", "::6"]);
    assert.equal(await echo.stopAgent(), 0);
    assert.equal(await echo.rules(), "");
    assert.deepEqual(await loopbackOf(echo), ["::1"]);
  });

  it("leaves what somebody else put there", async () => {
    await echo.host.run("ip", ["-6", "address", "add", "::6/128", "dev", "lo"]);
    echo.startAgent();
    await eventually(async () => assert.match(await echo.rules(), /redirect to :15006/), soon);
    await echo.stopAgent();
    assert.deepEqual(await loopbackOf(echo), ["::1", "::6"]);
    await echo.host.run("ip", ["-6", "address", "del", "::6/128", "dev", "lo"]);
  });

  async function loopbackOf({ host }: Machine): Promise<string[]> {
    return (await host.addresses6("lo")).map(({ address }) => address).sort();
  }

  /** Where the proxy and the agent listen over IPv6, applications left out. */
  async function listenersOf({ host }: Machine): Promise<string[]> {
    const { stdout } = await host.run("ss", ["-6Hltn"]);
    const places = stdout.split("\n").map((line) => line.trim().split(/\s+/)[3] ?? "");
    return [...new Set(places)].filter((place) => place.startsWith("[::")).sort();
  }

  /** Where a neighbour can call the machine: IPv4, link-local, and every other IPv6 address. */
  async function placesOf({ host }: Machine): Promise<string[]> {
    const addresses = (await host.addresses6("eth0")).map(({ address }) => address);
    return [host.address, ...addresses.map((each) => (each.startsWith("fe80:") ? `${each}%eth0` : each))];
  }
});
