// Reads the rules back from the kernel and follows the packets that must never be captured through them.
import type { CapturePlan } from "./capture-plan.ts";
import type { CaptureProbe } from "./capture-probe.ts";
import { captureErrors } from "./errors.ts";
import { type LoadedRules, type TracedPacket, traceRules } from "./loaded-rules.ts";
import { planHash } from "./nftables.ts";

/** An ordinary user and an ordinary peer; documentation addresses (RFC 5737, RFC 3849) stand for "anywhere". */
export const somebody = { uid: 12345, gid: 12345 };
export const strangers = { ipv4: "192.0.2.1", ipv6: "2001:db8::1", linkLocal: "fe80::1" } as const;
export const here = { ipv4: "192.0.2.2", ipv6: "2001:db8::2", linkLocal: "fe80::2" } as const;
export const ephemeralPort = 40000;

/** AWS, GCP, Azure and others answer here. */
const metadataService = { ipv4: "169.254.169.254", ipv6: "fd00:ec2::254" } as const;

/** Packets without which people or the mesh lose the machine, each with what it stands for. */
export function lifelines(plan: CapturePlan): { what: string; packet: TracedPacket }[] {
  const families = plan.ipv6 ? (["ipv4", "ipv6"] as const) : (["ipv4"] as const);
  const base = { protocol: "tcp", sourcePort: ephemeralPort, owner: undefined, toThisMachine: false } as const;
  const proxy = { uid: plan.proxyUid, gid: plan.proxyGid };
  const outgoing = (destination: string, destinationPort: number): TracedPacket => {
    const source = destination.includes(":") ? here.ipv6 : here.ipv4;
    return { ...base, hook: "output", source, destination, destinationPort, owner: somebody };
  };
  return [
    ...families.flatMap((family) => [
      ...plan.sshPorts.map((destinationPort) => ({
        what: `SSH on port ${destinationPort} over ${family}`,
        packet: {
          ...base,
          hook: "prerouting" as const,
          source: strangers[family],
          destination: here[family],
          destinationPort,
          toThisMachine: true,
        },
      })),
      { what: `the metadata service over ${family}`, packet: outgoing(metadataService[family], 80) },
      {
        what: `the proxy's own connections over ${family}`,
        packet: { ...outgoing(strangers[family], 443), owner: proxy },
      },
    ]),
    ...plan.controlPlane
      .filter(({ address }) => plan.ipv6 || !address.includes(":"))
      .map(({ address, port }) => ({
        what: `the control plane at ${address} port ${port}`,
        packet: outgoing(address, port),
      })),
  ];
}

/**
 * @param read the rules as the kernel holds them
 */
export function lifelineProbe(plan: CapturePlan, read: () => Promise<readonly LoadedRules[]>): CaptureProbe {
  return {
    name: "rules",
    async run() {
      const rules = await read();
      if (rules.length === 0) throw captureErrors.selfTestFailed("the rules are not loaded");
      const harmed = rules.flatMap((own) => {
        if (own.planHash !== planHash(plan)) return ["rules of another plan are loaded"];
        return lifelines(plan)
          .map(({ what, packet }) => ({ what, verdict: traceRules(own, packet) }))
          .filter(({ verdict }) => verdict.kind !== "untouched")
          .map(({ what, verdict }) =>
            verdict.kind === "redirected" ? `${what} would go to port ${verdict.port}` : `${what} is unclear`,
          );
      });
      if (harmed.length > 0) throw captureErrors.selfTestFailed([...new Set(harmed)].join("; "));
    },
  };
}
