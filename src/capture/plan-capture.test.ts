import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { CaptureInput } from "./capture-plan.ts";
import { planCapture } from "./plan-capture.ts";

function refused(input: CaptureInput): string {
  try {
    planCapture(input);
  } catch (error) {
    assert.equal((error as { code?: string }).code, "LAT4101");
    return (error as Error).message;
  }
  assert.fail("the plan was accepted");
}

test("the default plan captures everything, except what must never be captured", () => {
  const plan = planCapture({});
  assert.equal(plan.includeInboundPorts, "*");
  assert.equal(plan.includeOutboundCidrs, "*");
  assert.deepEqual(plan.excludeInboundPorts, [22, 15008, 15020, 15021, 15090]);
  assert.ok(plan.excludeOutboundCidrs.includes("169.254.0.0/16"));
  assert.ok(plan.excludeOutboundCidrs.includes("127.0.0.0/8"));
  assert.equal(plan.proxyUid, 1337);
  assert.equal(plan.dnsPort, undefined);
});

test("equal meanings are equal plans", () => {
  assert.deepEqual(
    planCapture({
      excludeInboundPorts: [9000, 22, 8000, 9000],
      excludeOutboundCidrs: ["10.1.2.3/8", "10.9.0.0/16", "FD00:0::1/16"],
      controlPlane: [
        { address: "::ffff:10.0.0.9", port: 15012 },
        { address: "10.0.0.9", port: 15012 },
      ],
    }),
    planCapture({
      excludeInboundPorts: [8000, 9000],
      excludeOutboundCidrs: ["fd00::/16", "10.0.0.0/8"],
      controlPlane: [{ address: "10.0.0.9", port: 15012 }],
    }),
  );
});

test("the ports of all workloads are captured", () => {
  const plan = planCapture({
    workloads: [
      { who: { kind: "uid", uid: 1001 }, ports: [8080] },
      { who: { kind: "gid", gid: 1002 }, ports: [9090, 8080] },
    ],
  });
  assert.deepEqual(plan.includeInboundPorts, [8080, 9090]);
});

test("everything that is wrong is named at once", () => {
  const message = refused({
    proxyUid: 0,
    outboundPort: 15006,
    dnsPort: 70000,
    excludeOutboundCidrs: ["10.0.0.0/33", "; flush ruleset"],
    controlPlane: [{ address: "control-plane", port: 15012 }],
  });
  for (const part of [
    "proxyUid 0",
    "must differ",
    "dnsPort 70000",
    "10.0.0.0/33",
    "; flush ruleset",
    "control-plane",
  ]) {
    assert.ok(message.includes(part), `${part} in ${message}`);
  }
});

test("SSH cannot be asked for", () => {
  assert.match(refused({ includeInboundPorts: [22] }), /holds 22, which is excluded/);
  assert.match(refused({ includeInboundPorts: [2222], sshPorts: [2222] }), /holds 2222, which is excluded/);
});

test("a workload cannot be the proxy", () => {
  assert.match(refused({ workloads: [{ who: { kind: "uid", uid: 1337 }, ports: "*" }] }), /which is the proxy's/);
  assert.match(refused({ workloads: [{ who: { kind: "gid", gid: 1337 }, ports: "*" }] }), /which is the proxy's/);
});

test("DNS capture needs to know whose queries", () => {
  assert.match(refused({ dnsPort: 15053 }), /needs nameservers/);
  assert.deepEqual(planCapture({ dnsPort: 15053, nameservers: ["fe80::1%eth0"] }).nameservers, ["fe80::1"]);
  assert.equal(planCapture({ dnsPort: 15053, captureAllDns: true }).nameservers, "*");
});

test("lists have an end", () => {
  const ports = (count: number): number[] => Array.from({ length: count }, (_, i) => 20000 + i);
  assert.equal(planCapture({ excludeOutboundPorts: ports(1024) }).excludeOutboundPorts.length, 1024);
  assert.match(refused({ excludeOutboundPorts: ports(1025) }), /1025 entries, more than 1024/);
  assert.match(refused({ workloads: [] }), /workloads is empty/);
});

test("any input makes a plan or a LAT4101", () => {
  const anything = fc.oneof(fc.integer(), fc.double(), fc.string(), fc.constant(undefined), fc.constant(null));
  fc.assert(
    fc.property(fc.array(anything), fc.array(anything), anything, (ports, blocks, uid) => {
      try {
        planCapture({
          proxyUid: uid as number,
          excludeInboundPorts: ports as number[],
          excludeOutboundCidrs: blocks.map(String),
          controlPlane: blocks.map((address) => ({ address: String(address), port: 1 })),
        });
      } catch (error) {
        assert.equal((error as { code?: string }).code, "LAT4101", String(error));
      }
    }),
  );
});
