// Settings → plan: checked, completed with what must never be captured, and in one spelling.
import { captureChecks, sorted } from "./capture-checks.ts";
import type { CaptureInput, CapturePlan } from "./capture-plan.ts";
import { captureErrors } from "./errors.ts";

/** Istio's port of HBONE, which Envoy itself listens on. */
export const tunnelPort = 15008;
/** HBONE, the agent's metrics, readiness and Envoy's metrics: Istio's `--istio-local-exclude-ports` on a VM, and 15008. */
const servicePorts = [tunnelPort, 15020, 15021, 15090] as const;
const sshPort = 22;

/**
 * Loopback, and what a cloud's own tools on the machine talk to: without them the machine can lose its credentials, its
 * console access or its clock. Link-local holds the metadata services of AWS, GCP, Azure, OpenStack and Oracle.
 */
const neverCaptured = [
  "127.0.0.0/8",
  "::1/128",
  "169.254.0.0/16",
  "fe80::/10",
  "fd00:ec2::254/128", // AWS: metadata over IPv6
  "fd20:ce::254/128", // GCP: metadata over IPv6
  "168.63.129.16/32", // Azure: WireServer
  "100.100.100.200/32", // Alibaba Cloud: metadata
];

/**
 * @throws LateenError LAT4101 naming everything that is wrong
 */
export function planCapture(input: CaptureInput): CapturePlan {
  const problems: string[] = [];
  const check = captureChecks(problems);
  const proxyUid = check.proxyId("proxyUid", input.proxyUid ?? 1337);
  const proxyGid = check.proxyId("proxyGid", input.proxyGid ?? 1337);
  const outboundPort = check.port("outboundPort", input.outboundPort ?? 15001);
  const inboundPort = check.port("inboundPort", input.inboundPort ?? 15006);
  const dnsPort = input.dnsPort === undefined ? undefined : check.port("dnsPort", input.dnsPort);
  const listeners = [outboundPort, inboundPort, ...(dnsPort === undefined ? [] : [dnsPort])];
  if (new Set(listeners).size !== listeners.length) {
    problems.push("outboundPort, inboundPort and dnsPort must differ");
  }

  const sshPorts = sorted([sshPort, ...check.ports("sshPorts", input.sshPorts ?? [])]);
  const excludeInboundPorts = sorted([
    ...servicePorts,
    ...sshPorts,
    ...check.ports("excludeInboundPorts", input.excludeInboundPorts ?? []),
  ]);
  const workloads = check.workloads(
    input.workloads ?? [{ who: { kind: "everyone" }, ports: input.includeInboundPorts ?? "*" }],
    { uid: proxyUid, gid: proxyGid },
  );
  const included = [input.includeInboundPorts ?? [], ...workloads.map((workload) => workload.ports)];
  const includeInboundPorts = included.includes("*")
    ? ("*" as const)
    : check.ports("includeInboundPorts", included.flat() as number[]);
  if (includeInboundPorts !== "*") {
    for (const port of includeInboundPorts) {
      if (excludeInboundPorts.includes(port)) problems.push(`includeInboundPorts holds ${port}, which is excluded`);
      if (listeners.includes(port)) problems.push(`includeInboundPorts holds ${port}, which is the proxy's own`);
    }
  }

  const nameservers = input.captureAllDns === true ? "*" : check.nameservers("nameservers", input.nameservers ?? []);
  if (dnsPort !== undefined && nameservers.length === 0) {
    problems.push("dnsPort needs nameservers, or captureAllDns");
  }
  const plan: CapturePlan = {
    proxyUid,
    proxyGid,
    outboundPort,
    inboundPort,
    dnsPort,
    nameservers,
    dnsExemptUids: check.uids("dnsExemptUids", input.dnsExemptUids ?? []),
    includeInboundPorts,
    excludeInboundPorts,
    excludeOutboundPorts: check.ports("excludeOutboundPorts", input.excludeOutboundPorts ?? []),
    includeOutboundCidrs:
      input.includeOutboundCidrs === undefined || input.includeOutboundCidrs === "*"
        ? "*"
        : check.cidrs("includeOutboundCidrs", input.includeOutboundCidrs),
    excludeOutboundCidrs: check.cidrs("excludeOutboundCidrs", [
      ...neverCaptured,
      ...(input.excludeOutboundCidrs ?? []),
    ]),
    controlPlane: check.endpoints("controlPlane", input.controlPlane ?? []),
    sshPorts,
    workloads,
    ipv6: input.ipv6 ?? true,
  };
  if (problems.length > 0) throw captureErrors.badPlan(`the capture settings are not usable: ${problems.join("; ")}`);
  return plan;
}
