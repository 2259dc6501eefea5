// Random plans, compared with a second description of what capture means. What the kernel holds is what counts: where
// namespaces can be made, nftables rules are loaded for real and read back.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import fc from "fast-check";
import { cidrContains, parseCidr, parseIp } from "../kernel/ip-address.ts";
import type { CaptureInput, CapturePlan } from "./capture-plan.ts";
import { captives } from "./captured-probe.ts";
import { renderIptables } from "./iptables.ts";
import { readIptablesListing } from "./iptables-listing.ts";
import { lifelines } from "./lifeline-probe.ts";
import { type TracedPacket, traceRules, type Verdict } from "./loaded-rules.ts";
import { createNamespace, type NetworkNamespace, namespacesMissing } from "./network-namespace.fake.ts";
import { nftBackend } from "./nft-backend.ts";
import { readNftListing } from "./nft-listing.ts";
import { planHash } from "./nftables.ts";
import { planCapture } from "./plan-capture.ts";
import { runRuleStep } from "./rule-step.ts";

const address = fc.oneof(fc.ipV4(), fc.ipV6(), fc.constantFrom("10.0.0.1", "127.0.0.1", "::1", "169.254.169.254"));
const block = fc.oneof(
  address,
  fc.tuple(fc.ipV4(), fc.integer({ min: 0, max: 32 })).map(([ip, prefix]) => `${ip}/${prefix}`),
  fc.tuple(fc.ipV6(), fc.integer({ min: 0, max: 128 })).map(([ip, prefix]) => `${ip}/${prefix}`),
);
const port = fc.oneof(fc.integer({ min: 1, max: 65535 }), fc.constantFrom(22, 53, 80, 8080, 15012));
const id = fc.oneof(fc.integer({ min: 0, max: 2 ** 32 - 2 }), fc.constantFrom(0, 1000, 1001));
const list = <T>(values: fc.Arbitrary<T>) => fc.array(values, { maxLength: 20 });
const user = fc.oneof(
  fc.constant({ kind: "everyone" as const }),
  id.map((uid) => ({ kind: "uid" as const, uid })),
  id.map((gid) => ({ kind: "gid" as const, gid })),
);

const settings: fc.Arbitrary<CaptureInput> = fc.record(
  {
    dnsPort: fc.constant(15053),
    nameservers: list(address),
    captureAllDns: fc.boolean(),
    dnsExemptUids: list(id),
    includeInboundPorts: fc.oneof(fc.constant("*" as const), list(port)),
    excludeInboundPorts: list(port),
    excludeOutboundPorts: list(port),
    includeOutboundCidrs: fc.oneof(fc.constant("*" as const), list(block)),
    excludeOutboundCidrs: list(block),
    controlPlane: list(fc.record({ address, port })),
    workloads: fc.array(fc.record({ who: user, ports: fc.oneof(fc.constant("*" as const), list(port)) }), {
      minLength: 1,
      maxLength: 4,
    }),
    ipv6: fc.boolean(),
  },
  { requiredKeys: [] },
);

/** Plans that are accepted; the others are `plan-capture.test.ts`'s business. */
const plans = settings
  .map((input): CapturePlan | undefined => {
    try {
      return planCapture(input);
    } catch (error) {
      assert.equal((error as { code?: string }).code, "LAT4101");
      return undefined;
    }
  })
  .filter((plan) => plan !== undefined);

function packetsFor(plan: CapturePlan): fc.Arbitrary<TracedPacket> {
  const blocks = [
    ...plan.excludeOutboundCidrs,
    ...(plan.includeOutboundCidrs === "*" ? [] : plan.includeOutboundCidrs),
  ];
  const known = [
    ...blocks.map((text) => text.split("/")[0] ?? ""),
    ...plan.controlPlane.map((endpoint) => endpoint.address),
    ...(plan.nameservers === "*" ? [] : plan.nameservers),
    ...["127.0.0.1", "::1", "192.0.2.7", "2001:db8::7"],
  ];
  const ports = [
    ...plan.excludeInboundPorts,
    ...plan.excludeOutboundPorts,
    ...plan.controlPlane.map((endpoint) => endpoint.port),
    ...(plan.includeInboundPorts === "*" ? [] : plan.includeInboundPorts),
    ...[53, 80, 15001],
  ];
  const owners = [
    { uid: plan.proxyUid, gid: 5 },
    { uid: 5, gid: plan.proxyGid },
    { uid: 1000, gid: 1000 },
    ...plan.dnsExemptUids.map((uid) => ({ uid, gid: uid })),
    ...plan.workloads.map(({ who }) => ({
      uid: who.kind === "uid" ? who.uid : 7,
      gid: who.kind === "gid" ? who.gid : 7,
    })),
  ];
  return fc
    .record({
      hook: fc.constantFrom("output" as const, "output" as const, "prerouting" as const),
      protocol: fc.constantFrom("tcp" as const, "tcp" as const, "udp" as const),
      destination: fc.oneof(fc.constantFrom(...known), fc.ipV4()),
      passthrough: fc.nat(9).map((n) => n === 0),
      destinationPort: fc.oneof(fc.constantFrom(...ports), port),
      owner: fc.option(fc.constantFrom(...owners), { nil: undefined, freq: 9 }),
      toThisMachine: fc.boolean(),
    })
    .map(({ passthrough, ...packet }) => {
      const [passthroughSource, source] = packet.destination.includes(":")
        ? ["::6", "2001:db8::1"]
        : ["127.0.0.6", "192.0.2.1"];
      const owner = packet.hook === "prerouting" ? undefined : packet.owner;
      return { ...packet, owner, sourcePort: 40000, source: passthrough ? passthroughSource : source };
    });
}

/** What capture means, packet by packet, without chains. */
function meaning(plan: CapturePlan, packet: TracedPacket): Verdict {
  const untouched: Verdict = { kind: "untouched" };
  const to = (target: number): Verdict => ({ kind: "redirected", port: target });
  const destination = parseIp(packet.destination) ?? new Uint8Array();
  const within = (blocks: readonly string[]): boolean =>
    blocks.some((text) => cidrContains(parseCidr(text) as never, destination));
  const dns = plan.dnsPort !== undefined && packet.destinationPort === 53;
  if (!plan.ipv6 && destination.length === 16) return untouched;
  if (packet.protocol === "udp" && (!dns || packet.hook === "prerouting")) return untouched;
  const isControlPlane = plan.controlPlane.some(
    (endpoint) => endpoint.port === packet.destinationPort && within([endpoint.address]),
  );
  if (packet.protocol === "tcp" && isControlPlane) return untouched;
  const inbound = (): Verdict => {
    if (plan.excludeInboundPorts.includes(packet.destinationPort)) return untouched;
    const included = plan.includeInboundPorts;
    return included === "*" || included.includes(packet.destinationPort) ? to(plan.inboundPort) : untouched;
  };
  if (packet.hook === "prerouting") return packet.toThisMachine ? inbound() : untouched;

  if (packet.toThisMachine && ["127.0.0.6", "::6"].includes(packet.source)) return untouched;
  const { owner } = packet;
  if (owner === undefined) return untouched;
  if (owner.uid === plan.proxyUid || owner.gid === plan.proxyGid) {
    const own = packet.protocol === "tcp" && packet.toThisMachine && !within(["127.0.0.0/8", "::1"]);
    return own && !dns && packet.destinationPort !== 15008 ? inbound() : untouched;
  }
  if (packet.toThisMachine && !dns) return untouched;
  if (packet.protocol === "tcp" && plan.excludeOutboundPorts.includes(packet.destinationPort)) return untouched;
  const captured = plan.workloads.some(
    ({ who }) =>
      who.kind === "everyone" ||
      (who.kind === "uid" && who.uid === owner.uid) ||
      (who.kind === "gid" && who.gid === owner.gid),
  );
  if (!captured) return untouched;
  if (dns) {
    if (plan.dnsExemptUids.includes(owner.uid)) return untouched;
    if (plan.nameservers === "*" || within(plan.nameservers)) return to(plan.dnsPort ?? 0);
  }
  if (packet.protocol === "udp" || within(plan.excludeOutboundCidrs)) return untouched;
  return plan.includeOutboundCidrs === "*" || within(plan.includeOutboundCidrs) ? to(plan.outboundPort) : untouched;
}

/** A plan with packets made for it. */
const examples = plans.chain((plan) =>
  fc.record({ plan: fc.constant(plan), packets: fc.array(packetsFor(plan), { minLength: 200, maxLength: 200 }) }),
);

test("iptables rules mean what the plan means", () => {
  fc.assert(
    fc.property(examples, ({ plan, packets }) => {
      const rules = (["ipv4", "ipv6"] as const).map((family) => {
        const hooks = "-A OUTPUT -j LATEEN_OUTPUT\n-A PREROUTING -j LATEEN_PREROUTING\n";
        return readIptablesListing(renderIptables(plan, family) + hooks, family);
      });
      for (const packet of [...packets, ...lifelines(plan).map((lifeline) => lifeline.packet)]) {
        const verdicts = rules.map((own) => traceRules(own, packet)).filter(({ kind }) => kind !== "untouched");
        assert.deepEqual(verdicts[0] ?? { kind: "untouched" }, meaning(plan, packet), JSON.stringify(packet));
      }
      for (const { what, packet, port } of captives(plan)) {
        assert.deepEqual(meaning(plan, packet), { kind: "redirected", port }, what);
      }
    }),
    { numRuns: 60 },
  );
});

describe("a listing of nft", () => {
  const listing = (l4proto: unknown): string =>
    JSON.stringify({
      nftables: [
        { table: { family: "inet", name: "lateen" } },
        { chain: { family: "inet", table: "lateen", name: "in", type: "nat", hook: "prerouting", prio: -101 } },
        {
          rule: {
            family: "inet",
            table: "lateen",
            chain: "in",
            expr: [
              { match: { op: "==", left: { meta: { key: "l4proto" } }, right: l4proto } },
              { redirect: { port: 15006 } },
            ],
          },
        },
      ],
    });
  const [ssh] = lifelines(planCapture({}));
  const verdict = (l4proto: unknown): string => {
    const rules = readNftListing(listing(l4proto));
    assert.ok(rules !== undefined && ssh !== undefined);
    return traceRules(rules, ssh.packet).kind;
  };

  test("means the same with names and, where there is no /etc/protocols, with numbers", () => {
    for (const tcp of ["tcp", 6, { set: ["tcp", "udp"] }, { set: [6, 17] }]) assert.equal(verdict(tcp), "redirected");
    for (const udp of ["udp", 17, { set: [17] }]) assert.equal(verdict(udp), "untouched");
  });

  test("is unclear where a value is written in a way that is not known", () => {
    assert.equal(verdict({ range: [6, 17] }), "unclear");
    assert.equal(verdict({ elem: { val: "tcp" } }), "unclear");
  });
});

const skip = namespacesMissing(["ip", "nft"]);
if (skip !== undefined) console.error(`nftables rules in a real kernel: ${skip}`);

describe("nftables rules, loaded and read back", { skip: skip ?? false }, () => {
  let namespace: NetworkNamespace;
  before(async () => {
    namespace = await createNamespace();
  });
  after(() => namespace.remove());

  test("load, whatever is in the plan, and mean what the plan means", async () => {
    const backend = nftBackend([...namespace.prefix, "nft"]);
    await fc.assert(
      fc.asyncProperty(examples, async ({ plan, packets }) => {
        for (const step of await backend.replaceSteps(plan)) await runRuleStep(step);
        const [rules] = await backend.read();
        assert.ok(rules !== undefined);
        assert.equal(rules.planHash, planHash(plan));
        for (const { packet } of [...packets.map((packet) => ({ packet })), ...lifelines(plan), ...captives(plan)]) {
          assert.deepEqual(traceRules(rules, packet), meaning(plan, packet), JSON.stringify(packet));
        }
      }),
      { numRuns: 25 },
    );
  });

  test("a rule that is not understood is not taken for harmless", async () => {
    const backend = nftBackend([...namespace.prefix, "nft"]);
    const plan = planCapture({});
    for (const step of await backend.replaceSteps(plan)) await runRuleStep(step);
    await namespace.run("nft", "insert rule inet lateen inbound meta mark 7 tcp dport 1-65535 redirect to :9");
    const [rules] = await backend.read();
    const [ssh] = lifelines(plan);
    assert.ok(rules !== undefined && ssh !== undefined);
    assert.equal(traceRules(rules, ssh.packet).kind, "unclear");
  });
});
