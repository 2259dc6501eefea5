// Real rules in a real kernel: each test runs in network namespaces of its own.
//
// LATEEN_TEST_IPTABLES names a folder with iptables programs; without it those of the host are used, if any.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { systemClock } from "../kernel/clock.ts";
import type { LateenError } from "../kernel/error.ts";
import { fakeLog } from "../kernel/log.fake.ts";
import { Capture } from "./capture.ts";
import type { CaptureBackend } from "./capture-backend.ts";
import type { CaptureInput } from "./capture-plan.ts";
import { CaptureWatch } from "./capture-watch.ts";
import { capturedProbe } from "./captured-probe.ts";
import { detectBackend } from "./detect-backend.ts";
import { readInet6Addresses } from "./inet6-addresses.ts";
import { netSysctl } from "./net-sysctl.fake.ts";
import { type NetworkActor, startActor } from "./network-actor.fake.ts";
import {
  connectNamespaces,
  createNamespace,
  type NetworkNamespace,
  namespacesMissing,
} from "./network-namespace.fake.ts";
import { nftBackend } from "./nft-backend.ts";
import { planCapture } from "./plan-capture.ts";
import { runRuleStep } from "./rule-step.ts";

const skip = namespacesMissing(["ip", "nft", "setpriv"]);
if (skip !== undefined) console.error(`capture tests in a real kernel: ${skip}`);

const peerAddress = "10.91.1.2";
const peerAddress6 = "fd91:1::2";
const ownAddress = "10.91.1.1";
const ownAddress6 = "fd91:1::1";

const input: CaptureInput = {
  dnsPort: 15053,
  nameservers: [peerAddress, "127.0.0.53"],
  excludeOutboundPorts: [8001],
  excludeOutboundCidrs: ["10.91.1.128/25"],
  controlPlane: [{ address: peerAddress, port: 15012 }],
};

/** The machine's link-local address on its side of a cable, as the other side, at `toDevice`, calls it. */
async function linkLocalOf(machine: NetworkNamespace, device: string, toDevice: string): Promise<string> {
  const addresses = readInet6Addresses(await machine.run("cat", "/proc/net/if_inet6"));
  const own = addresses.find((each) => each.device === device && each.address.startsWith("fe80:"));
  assert.ok(own !== undefined, `${device} has no link-local address`);
  return `${own.address}%${toDevice}`;
}

function captureIn(backend: CaptureBackend, more: { confirmWithinMs?: number } = {}) {
  const reverted = Promise.withResolvers<LateenError>();
  const { log, lines } = fakeLog();
  const capture = new Capture({ backend, clock: systemClock, log, onReverted: reverted.resolve, ...more });
  return { capture, reverted: reverted.promise, lines };
}

const iptablesFolder = process.env["LATEEN_TEST_IPTABLES"] ?? "/usr/sbin";
const backends: { name: string; make: (prefix: readonly string[]) => CaptureBackend; skip: string | undefined }[] = [
  { name: "nftables", make: (prefix) => nftBackend([...prefix, "nft"]), skip },
  {
    name: "iptables",
    make: (prefix) =>
      detectBackend(
        prefix,
        [iptablesFolder].filter((folder) => !existsSync(`${folder}/nft`)),
      ),
    skip:
      skip ??
      (existsSync(`${iptablesFolder}/iptables-restore`) && !existsSync(`${iptablesFolder}/nft`)
        ? undefined
        : "SKIPPED: no iptables without nft on this host"),
  },
];

describe("capture in a real kernel", { concurrency: true }, () => {
  for (const { name, make, skip: backendSkip } of backends) backendSuite(name, make, backendSkip);
});

function backendSuite(
  name: string,
  make: (prefix: readonly string[]) => CaptureBackend,
  backendSkip: string | undefined,
): void {
  describe(`what ${name} does to traffic`, { skip: backendSkip ?? false, concurrency: 1 }, () => {
    const namespaces: NetworkNamespace[] = [];
    const actors: NetworkActor[] = [];
    let machine: NetworkNamespace;
    let app: NetworkActor;
    let proxy: NetworkActor;
    let root: NetworkActor;
    let peer: NetworkActor;
    let far: NetworkActor;
    const actor = async (namespace: NetworkNamespace, label: string, uid?: number): Promise<NetworkActor> => {
      const started = await startActor(namespace, label, uid);
      actors.push(started);
      return started;
    };

    before(async () => {
      for (let i = 0; i < 3; i++) namespaces.push(await createNamespace());
      const [first, second, third] = namespaces as [NetworkNamespace, NetworkNamespace, NetworkNamespace];
      machine = first;
      await connectNamespaces(machine, second, 1);
      await connectNamespaces(machine, third, 2);
      for (const name of ["net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"])
        await machine.run(...netSysctl(name, 1));
      await second.run("ip", "route", "add", "10.91.2.0/24", "via", ownAddress);
      await third.run("ip", "route", "add", "10.91.1.0/24", "via", "10.91.2.1");
      await second.run("ip", "route", "add", "fd91:2::/64", "via", ownAddress6);
      await third.run("ip", "route", "add", "fd91:1::/64", "via", "fd91:2::1");
      await second.run("ip", "addr", "add", "10.91.1.200/24", "dev", "lt1b");
      [app, proxy, root, peer, far] = await Promise.all([
        actor(machine, "app", 1000),
        actor(machine, "proxy", 1337),
        actor(machine, "machine"),
        actor(second, "peer"),
        actor(third, "far"),
      ]);
      await root.serve("127.0.0.1", 15001, 15053);
      await root.serve("::1", 15001, 15053);
      await root.serve("0.0.0.0", 15006, 22, 8080, 15021);
      await root.serve("::", 15006, 22, 8080, 15021);
      await peer.serve("0.0.0.0", 8080, 8001, 15012);
      await peer.serve(peerAddress, 53);
      await peer.serve("10.91.1.200", 53);
      await peer.serve("::", 8081);
      await far.serve("0.0.0.0", 8080);
      await far.serve("::", 8080);
    });
    after(async () => {
      await Promise.all(actors.map((each) => each.stop()));
      for (const namespace of namespaces) await namespace.remove();
    });

    test("before it is applied nothing is captured, and an open connection outlives it", async () => {
      assert.equal(await app.ask("tcp", peerAddress, 8080), "peer:8080");
      assert.equal(await app.hold(peerAddress, 8080), "peer:8080");
      const { capture } = captureIn(make(machine.prefix));
      await capture.install(planCapture(input), []);
      assert.equal(await app.use(), "still here");
      assert.equal((await capture.check()).kind, "intact");
    });

    test("an application's connections go to 15001", async () => {
      assert.equal(await app.ask("tcp", peerAddress, 8080), "machine:15001");
      assert.equal(await app.ask("tcp", peerAddress6, 8081), "machine:15001");
    });

    test("so do those of root", async () => {
      assert.equal(await root.ask("tcp", peerAddress, 8080), "machine:15001");
    });

    test("the proxy's do not", async () => {
      assert.equal(await proxy.ask("tcp", peerAddress, 8080), "peer:8080");
      assert.equal(await proxy.ask("tcp", peerAddress6, 8081), "peer:8081");
      assert.equal(await proxy.ask("tcp", "127.0.0.1", 8080), "machine:8080");
    });

    test("excluded ports, blocks and the control plane are left alone", async () => {
      assert.equal(await app.ask("tcp", peerAddress, 8001), "peer:8001");
      assert.equal(await app.ask("tcp", "10.91.1.200", 8080), "peer:8080");
      assert.equal(await app.ask("tcp", peerAddress, 15012), "peer:15012");
    });

    test("connections inside the machine are left alone, except the proxy's to the machine's own address", async () => {
      assert.equal(await app.ask("tcp", "127.0.0.1", 8080), "machine:8080");
      assert.equal(await app.ask("tcp", ownAddress, 8080), "machine:8080");
      assert.equal(await proxy.ask("tcp", ownAddress, 8080), "machine:15006");
      assert.equal(await proxy.ask("tcp", ownAddress, 22), "machine:22");
    });

    test("connections from outside go to 15006, but not to SSH and readiness", async () => {
      assert.equal(await peer.ask("tcp", ownAddress, 8080), "machine:15006");
      assert.equal(await peer.ask("tcp", ownAddress, 9999), "machine:15006");
      assert.equal(await peer.ask("tcp", ownAddress, 22), "machine:22");
      assert.equal(await peer.ask("tcp", ownAddress, 15021), "machine:15021");
    });

    test("so do those over IPv6, also to link-local addresses and to those that came later", async () => {
      for (const port of [8080, 9999]) assert.equal(await peer.ask("tcp", ownAddress6, port), "machine:15006");
      assert.equal(await peer.ask("tcp", await linkLocalOf(machine, "lt1a", "lt1b"), 8080), "machine:15006");
      assert.equal(await far.ask("tcp", await linkLocalOf(machine, "lt2a", "lt2b"), 8080), "machine:15006");
      assert.equal(await far.ask("tcp", ownAddress6, 8080), "machine:15006", "an address of the other interface");
      for (const port of [22, 15021]) assert.equal(await peer.ask("tcp", ownAddress6, port), `machine:${port}`);
      await machine.run("ip", "address", "add", "fd91:1::77/64", "dev", "lt1a", "nodad");
      assert.equal(await peer.ask("tcp", "fd91:1::77", 8080), "machine:15006");
      assert.equal(await app.ask("tcp", ownAddress6, 8080), "machine:8080");
      assert.equal(await proxy.ask("tcp", ownAddress6, 8080), "machine:15006");
    });

    test("what the machine only forwards is left alone", async () => {
      assert.equal(await peer.ask("tcp", "10.91.2.2", 8080), "far:8080");
      assert.equal(await peer.ask("tcp", "fd91:2::2", 8080), "far:8080");
    });

    test("queries to the machine's nameservers go to 15053, over UDP and TCP", async () => {
      assert.equal(await app.ask("udp", peerAddress, 53), "machine:15053");
      assert.equal(await app.ask("tcp", peerAddress, 53), "machine:15053");
      assert.equal(await app.ask("udp", "127.0.0.53", 53), "machine:15053");
      assert.equal(await app.ask("udp", "10.91.1.200", 53), "peer:53");
      assert.equal(await app.ask("udp", peerAddress, 8080), "peer:8080");
    });

    test("the agent's queries leave, also from a port that an application's query just used", async () => {
      const port = 20053;
      assert.equal(await app.ask("udp", peerAddress, 53, port), "machine:15053");
      assert.equal(await proxy.ask("udp", peerAddress, 53, port), "peer:53");
      assert.equal(await proxy.ask("tcp", peerAddress, 53), "peer:53");
    });
  });

  describe(`the proof of a capture with ${name}`, { skip: backendSkip ?? false, concurrency: 1 }, () => {
    let namespace: NetworkNamespace;
    before(async () => {
      namespace = await createNamespace();
    });
    after(() => namespace.remove());

    test("fails where IPv6 goes past the rules", async () => {
      const backend = make(namespace.prefix);
      const { capture } = captureIn(backend);
      const whole = planCapture({});
      for (const step of await backend.replaceSteps({ ...whole, ipv6: false })) await runRuleStep(step);
      const probe = capturedProbe(whole, () => backend.read());
      await assert.rejects(probe.run(new AbortController().signal), {
        code: "LAT4103",
        message: /not captured: calls to 2001:db8::2 port 8080; calls to fe80::2 port 8080; calls from here to 2001:/,
      });
      await capture.install(whole, []);
      await probe.run(new AbortController().signal);
      await capture.remove();
    });
  });

  describe(`the life of a capture with ${name}`, { skip: backendSkip ?? false, concurrency: 1 }, () => {
    let namespace: NetworkNamespace;
    let backend: CaptureBackend;
    before(async () => {
      namespace = await createNamespace();
      backend = make(namespace.prefix);
    });
    after(() => namespace.remove());
    const plan = planCapture(input);
    const ruleset = (): Promise<string> =>
      name === "nftables" ? namespace.run("nft", "list", "ruleset") : namespace.run(`${iptablesFolder}/iptables-save`);
    const otherPlan = planCapture({ ...input, excludeOutboundPorts: [9999] });

    test("removing leaves nothing, and may be repeated", async () => {
      const { capture } = captureIn(backend);
      await capture.remove();
      await capture.install(plan, []);
      assert.equal(await capture.present(), true);
      assert.match(await ruleset(), /15001/);
      await capture.remove();
      await capture.remove();
      assert.equal(await capture.present(), false);
      assert.doesNotMatch(await ruleset(), /lateen|15001|15006|15053/i);
      assert.equal((await capture.check()).kind, "absent");
    });

    test("rules that nobody confirms are taken back by the guard", async () => {
      const { capture, reverted } = captureIn(backend, { confirmWithinMs: 3_000 });
      await capture.apply(plan);
      assert.equal(await capture.present(), true);
      assert.equal((await reverted).code, "LAT4104");
      assert.deepEqual(capture.state, { kind: "absent" });
      assert.equal(await capture.present(), false);
      await assert.rejects(capture.confirm(), { code: "LAT4107" });
    });

    test("a failed probe takes the rules back at once, to the plan confirmed before", async () => {
      const { capture } = captureIn(backend);
      await capture.install(plan, []);
      const probes = [
        { name: "dns", run: async () => {} },
        { name: "control plane", run: () => Promise.reject(new Error("refused")) },
      ];
      await assert.rejects(capture.install(otherPlan, probes), { code: "LAT4103", message: /control plane: refused/ });
      assert.equal(capture.state.kind, "confirmed");
      assert.equal((await capture.check()).kind, "intact");
      await capture.stop();
      assert.equal(await capture.present(), true, "a stop keeps what was confirmed");
      await capture.install(otherPlan, [{ name: "dns", run: async () => {} }]);
      await capture.remove();
    });

    test("a stop takes back what was not confirmed", async () => {
      const { capture } = captureIn(backend);
      await capture.apply(plan);
      await capture.stop();
      assert.equal(await capture.present(), false);
    });

    test("flushed and changed rules are noticed and put back", async () => {
      const { capture, lines } = captureIn(backend);
      const seen: string[] = [];
      const watch = new CaptureWatch({
        capture,
        clock: systemClock,
        log: fakeLog().log,
        onChange: (check) => seen.push(check.kind),
      });
      await capture.install(plan, []);
      await watch.look();
      await backend.remove();
      await watch.look();
      await watch.look();
      // Another program loads rules of its own making into ours.
      for (const step of await backend.revertSteps(otherPlan)) {
        const [program = "", ...args] = step.command;
        const child = spawn("sh", ["-c", 'cat | "$@"', "sh", program, ...args], {
          stdio: ["pipe", "ignore", "inherit"],
        });
        child.stdin.end(step.input);
        await once(child, "exit");
      }
      await watch.look();
      await watch.look();
      await watch.stop();
      assert.deepEqual(seen, ["intact", "missing", "intact", "changed", "intact"]);
      assert.equal(lines.filter((line) => line.level === "error").length, 0);
      await capture.remove();
    });

    test("a plan that the kernel refuses changes nothing", async () => {
      const { capture } = captureIn(backend);
      await capture.install(plan, []);
      const impossible = { ...otherPlan, outboundPort: 99999 };
      await assert.rejects(capture.apply(impossible), { code: "LAT4102" });
      assert.equal((await capture.check()).kind, "intact");
      await capture.remove();
    });
  });
}
