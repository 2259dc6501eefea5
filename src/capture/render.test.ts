import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { CaptureInput } from "./capture-plan.ts";
import { assertGolden } from "./golden.fake.ts";
import { renderIptables } from "./iptables.ts";
import { renderNftables } from "./nftables.ts";
import { planCapture } from "./plan-capture.ts";

const cases: Record<string, CaptureInput> = {
  default: {},
  vm: {
    dnsPort: 15053,
    nameservers: ["10.0.0.2", "127.0.0.53", "fd00::53"],
    controlPlane: [
      { address: "10.0.0.9", port: 15012 },
      { address: "fd00::9", port: 15012 },
    ],
  },
  "all-dns": { dnsPort: 15053, captureAllDns: true, dnsExemptUids: [101, 992] },
  "ipv4-only": {
    ipv6: false,
    dnsPort: 15053,
    nameservers: ["10.0.0.2", "fd00::53"],
    controlPlane: [
      { address: "10.0.0.9", port: 15012 },
      { address: "fd00::9", port: 15012 },
    ],
  },
  workloads: {
    workloads: [
      { who: { kind: "uid", uid: 1001 }, ports: [8080, 8443] },
      { who: { kind: "gid", gid: 2001 }, ports: [9090] },
    ],
    sshPorts: [22, 2222],
  },
  narrow: {
    includeInboundPorts: [],
    includeOutboundCidrs: ["10.0.0.0/8", "240.240.0.0/16", "2001:2::/48"],
    excludeOutboundCidrs: ["10.5.0.0/16"],
    excludeOutboundPorts: [25, 3306],
    excludeInboundPorts: Array.from({ length: 20 }, (_, i) => 9000 + 2 * i),
  },
  "everything-excluded": { excludeOutboundCidrs: ["0.0.0.0/0", "::/0"] },
};

for (const [name, input] of Object.entries(cases)) {
  test(`rules of the plan ${name}`, () => {
    const plan = planCapture(input);
    assertGolden(`${name}.nft`, renderNftables(plan));
    assertGolden(
      `${name}.iptables`,
      (["ipv4", "ipv6"] as const)
        .map((family) => `# ${family}\n${renderIptables(plan, family, ["LATEEN_OUTPUT", "LATEEN_PREROUTING"])}`)
        .join(""),
    );
  });
}

test("every golden file belongs to a case", () => {
  const files = readdirSync(join(import.meta.dirname, "testdata"));
  assert.deepEqual(
    files.filter((file) => !Object.hasOwn(cases, file.replace(/\.(nft|iptables)$/, ""))),
    [],
  );
});
