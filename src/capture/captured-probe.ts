// Reads the rules back from the kernel and follows connections that must be captured through them: a policy that holds
// for one address family alone is none.
import { type Cidr, cidrContains, parseCidr, parseIp } from "../kernel/ip-address.ts";
import type { CapturePlan } from "./capture-plan.ts";
import type { CaptureProbe } from "./capture-probe.ts";
import { captureErrors } from "./errors.ts";
import { ephemeralPort, here, somebody, strangers } from "./lifeline-probe.ts";
import { type LoadedRules, type TracedPacket, traceRules } from "./loaded-rules.ts";
import { capturedUsers } from "./nftables.ts";

/** A port of applications; the next one that nobody excluded stands in for it. */
const applicationPort = 8080;

export interface Captive {
  readonly what: string;
  readonly packet: TracedPacket;
  /** The listener that must get it. */
  readonly port: number;
}

/** Connections that the plan captures, each with what it stands for. */
export function captives(plan: CapturePlan): Captive[] {
  const families = plan.ipv6 ? (["ipv4", "ipv6"] as const) : (["ipv4"] as const);
  const base = { protocol: "tcp", sourcePort: ephemeralPort } as const;
  const served = plan.includeInboundPorts === "*" ? freePort(plan.excludeInboundPorts) : plan.includeInboundPorts[0];
  const called = freePort(plan.excludeOutboundPorts);
  const callers = families.flatMap((family) => (isCaptured(plan, strangers[family]) ? [family] : []));
  return [
    ...families.flatMap((family) =>
      (served === undefined ? [] : [here[family], ...(family === "ipv6" ? [here.linkLocal] : [])]).map(
        (destination) => ({
          what: `calls to ${destination} port ${served}`,
          packet: {
            ...base,
            hook: "prerouting" as const,
            source: destination === here.linkLocal ? strangers.linkLocal : strangers[family],
            destination,
            destinationPort: served ?? 0,
            owner: undefined,
            toThisMachine: true,
          },
          port: plan.inboundPort,
        }),
      ),
    ),
    ...callers.map((family) => ({
      what: `calls from here to ${strangers[family]} port ${called}`,
      packet: {
        ...base,
        hook: "output" as const,
        source: here[family],
        destination: strangers[family],
        destinationPort: called,
        owner: ownerOf(plan),
        toThisMachine: false,
      },
      port: plan.outboundPort,
    })),
  ];
}

/**
 * @param read the rules as the kernel holds them
 */
export function capturedProbe(plan: CapturePlan, read: () => Promise<readonly LoadedRules[]>): CaptureProbe {
  return {
    name: "capture",
    async run() {
      const rules = await read();
      const missed = captives(plan).filter(({ packet, port }) => {
        const family = packet.destination.includes(":") ? "ipv6" : "ipv4";
        const verdicts = rules.filter((own) => own.families.includes(family)).map((own) => traceRules(own, packet));
        // What is unclear is loaded as it was written; only a clear miss is one.
        return !verdicts.some(
          (verdict) => verdict.kind === "unclear" || (verdict.kind === "redirected" && verdict.port === port),
        );
      });
      if (missed.length > 0) {
        throw captureErrors.selfTestFailed(`not captured: ${missed.map(({ what }) => what).join("; ")}`);
      }
    },
  };
}

function freePort(excluded: readonly number[]): number {
  let port = applicationPort;
  while (excluded.includes(port)) port += 1;
  return port;
}

function isCaptured(plan: CapturePlan, address: string): boolean {
  const bytes = parseIp(address);
  const within = (blocks: readonly string[]): boolean =>
    blocks.some((text) => bytes !== undefined && cidrContains(parseCidr(text) as Cidr, bytes));
  const included = plan.includeOutboundCidrs === "*" || within(plan.includeOutboundCidrs);
  return included && !within(plan.excludeOutboundCidrs);
}

/** Somebody whose connections are captured. */
function ownerOf(plan: CapturePlan): { uid: number; gid: number } {
  const { everyone, uids, gids } = capturedUsers(plan);
  if (everyone) return somebody;
  return { uid: uids[0] ?? somebody.uid, gid: uids.length > 0 ? somebody.gid : (gids[0] ?? somebody.gid) };
}
