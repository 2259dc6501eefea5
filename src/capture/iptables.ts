// CapturePlan → iptables-restore text, for hosts without nft: the same rules in the same order, once per address family.
import type { CapturePlan } from "./capture-plan.ts";
import { capturedUsers, dnsZone, passthroughSource, planHash } from "./nftables.ts";
import { tunnelPort } from "./plan-capture.ts";

export type AddressFamily = "ipv4" | "ipv6";

/** Chains of ours by table, the hooked ones first, with the built-in chain they hang on. */
export const captureChains = {
  raw: { LATEEN_RAW_OUTPUT: "OUTPUT", LATEEN_DNS_ZONE: undefined },
  nat: {
    LATEEN_OUTPUT: "OUTPUT",
    LATEEN_PREROUTING: "PREROUTING",
    LATEEN_OUTBOUND: undefined,
    LATEEN_INBOUND: undefined,
  },
} as const satisfies Record<string, Record<string, string | undefined>>;

/** The multiport match takes no more. */
const portsPerRule = 15;

/**
 * Text for `iptables-restore --noflush` or `ip6tables-restore --noflush`. A chain that is declared is emptied first, so
 * each table is replaced in one step and nobody else's rules are touched.
 *
 * @param plan undefined renders empty chains, which capture nothing
 * @param unhooked chains of ours that no built-in chain jumps to yet; they are put first in it
 */
export function renderIptables(
  plan: CapturePlan | undefined,
  family: AddressFamily,
  unhooked: readonly string[] = [],
): string {
  const rules = plan === undefined || (family === "ipv6" && !plan.ipv6) ? { raw: [], nat: [] } : rulesOf(plan, family);
  return (["raw", "nat"] as const)
    .map((table) => {
      const chains = Object.entries(captureChains[table]);
      const hooks = chains.flatMap(([chain, builtin]) =>
        builtin !== undefined && unhooked.includes(chain) ? [`-I ${builtin} 1 -j ${chain}`] : [],
      );
      const declared = chains.map(([chain]) => `:${chain} - [0:0]`);
      return [`*${table}`, ...declared, ...rules[table], ...hooks, "COMMIT", ""].join("\n");
    })
    .join("");
}

function rulesOf(plan: CapturePlan, family: AddressFamily): { raw: string[]; nat: string[] } {
  const { dnsPort } = plan;
  const own = (blocks: readonly string[]): string[] =>
    blocks.filter((block) => block.includes(":") === (family === "ipv6"));
  const nameservers = plan.nameservers === "*" ? [""] : own(plan.nameservers).map((address) => `-d ${address} `);
  const controlPlane = plan.controlPlane.filter(({ address }) => own([address]).length === 1);
  const exempt = (chain: string): string[] =>
    controlPlane.map(({ address, port }) => `-A ${chain} -d ${address} -p tcp --dport ${port} -j RETURN`);
  const owners = [`--uid-owner ${plan.proxyUid}`, `--gid-owner ${plan.proxyGid}`].map((owner) => `-m owner ${owner}`);
  const local = family === "ipv4" ? "127.0.0.0/8" : "::1";
  const localSource = passthroughSource[family];
  const notASyn = "-p tcp ! --tcp-flags FIN,SYN,RST,ACK SYN";
  const selfCallPorts = dnsPort === undefined ? [tunnelPort] : [53, tunnelPort];

  const raw =
    dnsPort === undefined
      ? []
      : [
          ...[`--sport ${dnsPort}`, `--dport ${dnsPort}`].flatMap((port) => [
            `-A LATEEN_RAW_OUTPUT -p udp ${port} -j CT --zone ${dnsZone}`,
            `-A LATEEN_RAW_OUTPUT -p udp ${port} -j RETURN`,
          ]),
          "-A LATEEN_RAW_OUTPUT ! -p udp -j RETURN",
          "-A LATEEN_RAW_OUTPUT -p udp ! --dport 53 -j RETURN",
          ...owners.map((owner) => `-A LATEEN_RAW_OUTPUT ${owner} -j RETURN`),
          ...captured(plan, "LATEEN_RAW_OUTPUT", "LATEEN_DNS_ZONE"),
          ...exemptResolvers(plan, "LATEEN_DNS_ZONE", ["udp"]),
          ...nameservers.map((match) => `-A LATEEN_DNS_ZONE ${match}-p udp --dport 53 -j CT --zone ${dnsZone}`),
        ];

  const output = [
    `-A LATEEN_OUTPUT -m comment --comment "plan ${planHash(plan)}"`,
    ...(dnsPort === undefined
      ? ["-A LATEEN_OUTPUT ! -p tcp -j RETURN"]
      : ["-A LATEEN_OUTPUT -p udp ! --dport 53 -j RETURN"]),
    `-A LATEEN_OUTPUT ${notASyn} -j RETURN`,
    ...exempt("LATEEN_OUTPUT"),
    `-A LATEEN_OUTPUT -o lo -s ${localSource} -j RETURN`,
    ...owners.map(
      (owner) =>
        `-A LATEEN_OUTPUT -o lo ! -d ${local} -p tcp -m multiport ! --dports ${selfCallPorts.join(",")} ${owner} -g LATEEN_INBOUND`,
    ),
    ...owners.map((owner) => `-A LATEEN_OUTPUT ${owner} -j RETURN`),
    ...(dnsPort === undefined
      ? ["-A LATEEN_OUTPUT -o lo -j RETURN"]
      : ["-A LATEEN_OUTPUT -o lo -p tcp ! --dport 53 -j RETURN"]),
    ...portRules("LATEEN_OUTPUT", plan.excludeOutboundPorts, "-j RETURN"),
    ...captured(plan, "LATEEN_OUTPUT", "LATEEN_OUTBOUND"),
  ];

  const outbound = [
    ...(dnsPort === undefined
      ? []
      : [
          ...exemptResolvers(plan, "LATEEN_OUTBOUND", ["udp", "tcp"]),
          ...nameservers.flatMap((match) =>
            ["udp", "tcp"].map(
              (protocol) => `-A LATEEN_OUTBOUND ${match}-p ${protocol} --dport 53 -j REDIRECT --to-ports ${dnsPort}`,
            ),
          ),
        ]),
    "-A LATEEN_OUTBOUND ! -p tcp -j RETURN",
    ...own(plan.excludeOutboundCidrs).map((block) => `-A LATEEN_OUTBOUND -d ${block} -j RETURN`),
    ...(plan.includeOutboundCidrs === "*" ? [""] : own(plan.includeOutboundCidrs).map((block) => `-d ${block} `)).map(
      (match) => `-A LATEEN_OUTBOUND ${match}-p tcp -j REDIRECT --to-ports ${plan.outboundPort}`,
    ),
  ];

  const redirect = `-j REDIRECT --to-ports ${plan.inboundPort}`;
  const inbound = [
    ...exempt("LATEEN_INBOUND"),
    ...portRules("LATEEN_INBOUND", plan.excludeInboundPorts, "-j RETURN"),
    ...(plan.includeInboundPorts === "*"
      ? [`-A LATEEN_INBOUND -p tcp ${redirect}`]
      : portRules("LATEEN_INBOUND", plan.includeInboundPorts, redirect)),
  ];
  const prerouting =
    plan.includeInboundPorts.length === 0
      ? []
      : [
          "-A LATEEN_PREROUTING ! -p tcp -j RETURN",
          `-A LATEEN_PREROUTING ${notASyn} -j RETURN`,
          "-A LATEEN_PREROUTING -m addrtype ! --dst-type LOCAL -j RETURN",
          "-A LATEEN_PREROUTING -g LATEEN_INBOUND",
        ];
  return { raw, nat: [...output, ...outbound, ...prerouting, ...inbound] };
}

/** "Everyone" means every user: sockets of the kernel itself have no owner (see `renderNftables`). */
function captured(plan: CapturePlan, chain: string, target: string): string[] {
  const { everyone, uids, gids } = capturedUsers(plan);
  if (everyone) return [`-A ${chain} -m owner --socket-exists -g ${target}`];
  return [
    ...uids.map((uid) => `-A ${chain} -m owner --uid-owner ${uid} -g ${target}`),
    ...gids.map((gid) => `-A ${chain} -m owner --gid-owner ${gid} -g ${target}`),
  ];
}

function exemptResolvers(plan: CapturePlan, chain: string, protocols: readonly string[]): string[] {
  return plan.dnsExemptUids.flatMap((uid) =>
    protocols.map((protocol) => `-A ${chain} -p ${protocol} --dport 53 -m owner --uid-owner ${uid} -j RETURN`),
  );
}

function portRules(chain: string, ports: readonly number[], verdict: string): string[] {
  const rules: string[] = [];
  for (let i = 0; i < ports.length; i += portsPerRule) {
    const chunk = ports.slice(i, i + portsPerRule);
    rules.push(`-A ${chain} -p tcp -m multiport --dports ${chunk.join(",")} ${verdict}`);
  }
  return rules;
}
