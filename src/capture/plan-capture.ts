// Settings → plan: checked, completed with what must never be captured, and in one spelling.
import { cidrContains, formatCidr, formatIp, parseCidr, parseIp } from "../kernel/ip-address.ts";
import type { CapturedWorkload, CaptureInput, CapturePlan, ExemptEndpoint } from "./capture-plan.ts";
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

/** Bounds of one plan: they keep a ruleset under 128 KiB and a load under 100 ms. */
const portLimit = 1024;
const cidrLimit = 1024;
const workloadLimit = 64;
const endpointLimit = 64;
const nameserverLimit = 16;
const uidLimit = 64;
/** RFC 4291 section 2.5.5.2. */
const mappedIpv4 = { network: Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 0, 0, 0, 0), prefix: 96 };
/** -1 means "no user" to the kernel. */
const highestUid = 2 ** 32 - 2;

/**
 * @throws LateenError LAT4101 naming everything that is wrong
 */
export function planCapture(input: CaptureInput): CapturePlan {
  const problems: string[] = [];
  const check = new Checker(problems);
  const proxyUid = check.uid("proxyUid", input.proxyUid ?? 1337);
  const proxyGid = check.uid("proxyGid", input.proxyGid ?? 1337);
  const outboundPort = check.port("outboundPort", input.outboundPort ?? 15001);
  const inboundPort = check.port("inboundPort", input.inboundPort ?? 15006);
  const dnsPort = input.dnsPort === undefined ? undefined : check.port("dnsPort", input.dnsPort);
  const listeners = [outboundPort, inboundPort, ...(dnsPort === undefined ? [] : [dnsPort])];
  if (new Set(listeners).size !== listeners.length) {
    problems.push("outboundPort, inboundPort and dnsPort must differ");
  }

  const sshPorts = check.ports("sshPorts", input.sshPorts ?? [sshPort]);
  const excludeInboundPorts = sorted([
    ...servicePorts,
    ...sshPorts,
    ...check.ports("excludeInboundPorts", input.excludeInboundPorts ?? []),
  ]);
  const workloads = check.workloads(
    input.workloads ?? [{ who: { kind: "everyone" }, ports: input.includeInboundPorts ?? "*" }],
    proxyUid,
    proxyGid,
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

  const nameservers = input.captureAllDns === true ? "*" : check.addresses("nameservers", input.nameservers ?? []);
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
    dnsExemptUids: sorted(
      check.list("dnsExemptUids", input.dnsExemptUids ?? [], uidLimit).map((uid) => check.uid("dnsExemptUids", uid, 0)),
    ),
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

/** Collects what is wrong instead of stopping at the first. */
class Checker {
  private readonly problems: string[];

  constructor(problems: string[]) {
    this.problems = problems;
  }

  list<T>(name: string, values: readonly T[], limit: number): readonly T[] {
    if (values.length <= limit) return values;
    this.problems.push(`${name} has ${values.length} entries, more than ${limit}`);
    return [];
  }

  port(name: string, port: number): number {
    if (!isWhole(port, 1, 65535)) this.problems.push(`${name} ${String(port)} is not a port between 1 and 65535`);
    return port;
  }

  ports(name: string, ports: readonly number[]): number[] {
    return sorted(this.list(name, ports, portLimit).map((port) => this.port(name, port)));
  }

  /** `lowest` is 1 for the proxy: exempting root would leave every system service outside the mesh. */
  uid(name: string, uid: number, lowest = 1): number {
    if (!isWhole(uid, lowest, highestUid)) {
      this.problems.push(`${name} ${String(uid)} is not a number between ${lowest} and ${highestUid}`);
    }
    return uid;
  }

  workloads(given: readonly CapturedWorkload[], proxyUid: number, proxyGid: number): CapturedWorkload[] {
    if (given.length === 0) this.problems.push("workloads is empty: nothing would be captured");
    return this.list("workloads", given, workloadLimit).map(({ who, ports }) => {
      if (who.kind === "uid") {
        this.uid("workloads uid", who.uid, 0);
        if (who.uid === proxyUid) this.problems.push(`a workload runs as uid ${proxyUid}, which is the proxy's`);
      } else if (who.kind === "gid") {
        this.uid("workloads gid", who.gid, 0);
        if (who.gid === proxyGid) this.problems.push(`a workload runs as gid ${proxyGid}, which is the proxy's`);
      }
      return { who: { ...who }, ports: ports === "*" ? ports : this.ports("workloads ports", ports) };
    });
  }

  /** Plain addresses; a zone (`fe80::1%eth0`) is left out, because packets do not carry it. */
  addresses(name: string, texts: readonly string[]): string[] {
    const found = this.list(name, texts, nameserverLimit).flatMap((text) => {
      const address = parsePacketAddress(text.replace(/%[^%]*$/, ""));
      if (address === undefined) this.problems.push(`${name} holds ${quoted(text)}, which is no IP address`);
      return address === undefined ? [] : [formatIp(address)];
    });
    return [...new Set(found)].sort();
  }

  cidrs(name: string, texts: readonly string[]): string[] {
    const blocks = this.list(name, texts, cidrLimit).flatMap((text) => {
      const cidr = parseCidr(text);
      if (cidr === undefined) this.problems.push(`${name} holds ${quoted(text)}, which is no CIDR block`);
      return cidr === undefined ? [] : [cidr];
    });
    // Sets of nftables refuse blocks that overlap; two CIDR blocks overlap only where one holds the other.
    const widestFirst = blocks.sort((a, b) => a.prefix - b.prefix);
    const kept: typeof blocks = [];
    for (const cidr of widestFirst) {
      if (!kept.some((wider) => cidrContains(wider, cidr.network))) kept.push(cidr);
    }
    return kept.map(formatCidr).sort();
  }

  endpoints(name: string, given: readonly ExemptEndpoint[]): ExemptEndpoint[] {
    const found = new Map<string, ExemptEndpoint>();
    for (const { address: text, port } of this.list(name, given, endpointLimit)) {
      const address = parsePacketAddress(text);
      if (address === undefined) this.problems.push(`${name} holds ${quoted(text)}, which is no IP address`);
      else found.set(`${formatIp(address)} ${port}`, { address: formatIp(address), port: this.port(name, port) });
    }
    return [...found.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, endpoint]) => endpoint);
  }
}

/** An address as packets carry it: an IPv4 address mapped into IPv6 travels as IPv4. */
function parsePacketAddress(text: string): Uint8Array | undefined {
  const address = parseIp(text);
  return address !== undefined && cidrContains(mappedIpv4, address) ? address.slice(12) : address;
}

function isWhole(value: unknown, lowest: number, highest: number): boolean {
  return Number.isInteger(value) && (value as number) >= lowest && (value as number) <= highest;
}

function sorted(numbers: readonly number[]): number[] {
  return [...new Set(numbers)].sort((a, b) => a - b);
}

/** Foreign text in a message, short and on one line. */
function quoted(text: unknown): string {
  return JSON.stringify(String(text).slice(0, 64));
}
