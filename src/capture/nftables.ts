// CapturePlan → nftables ruleset text, loaded by `nft -f` as one transaction.
import { contentHash } from "../kernel/hash.ts";
import type { CapturePlan } from "./capture-plan.ts";
import { tunnelPort } from "./plan-capture.ts";

/** The one table Lateen touches. */
export const captureTable = { family: "inet", name: "lateen" } as const;

/** One before `dstnat` (-100): the first NAT rule to match decides, and Docker and kube-proxy sit at -100. */
const natPriority = -101;

/**
 * The conntrack zone of captured queries. A query of the agent to the same server, sent within 30 s from a port that an
 * application used before it, would else match the application's entry and be redirected back to the agent.
 */
export const dnsZone = 2;

/** Where Envoy's InboundPassthroughCluster connects from; `::6` is its IPv6 twin. */
export const passthroughSource = { ipv4: "127.0.0.6", ipv6: "::6" } as const;

/** Identifies a plan inside the loaded rules. */
export function planHash(plan: CapturePlan): string {
  return contentHash(JSON.stringify(plan));
}

/** Text that leaves no table of ours; loading it twice is no error. */
export function renderNftablesRemoval(): string {
  const table = `${captureTable.family} ${captureTable.name}`;
  return `table ${table}\ndelete table ${table}\n`;
}

/** Text that replaces our table, whatever it held, by this plan. */
export function renderNftables(plan: CapturePlan): string {
  const chains = [
    ...(plan.dnsPort === undefined ? [] : [rawOutputChain(plan, plan.dnsPort), dnsZoneChain(plan)]),
    outputChain(plan),
    outboundChain(plan),
    ...(plan.includeInboundPorts.length === 0 ? [] : [preroutingChain(plan)]),
    inboundChain(plan),
  ];
  const body = chains.map(
    ({ name, head, rules }) => `\tchain ${name} {\n${[...head, ...rules].map((line) => `\t\t${line}\n`).join("")}\t}\n`,
  );
  return `${renderNftablesRemoval()}table ${captureTable.family} ${captureTable.name} {\n${body.join("\n")}}\n`;
}

interface Chain {
  name: string;
  head: string[];
  rules: string[];
}

/** A rule that counts. `why` becomes its comment, so that `nft list table inet lateen` explains itself. */
function rule(match: string, verdict: string, why: string): string {
  return `${match === "" ? "" : `${match} `}counter ${verdict === "" ? "" : `${verdict} `}comment "${why}"`;
}

/** NAT sees the first packet of what conntrack takes for new; without a SYN that is a connection older than the rules. */
const notASyn = "tcp flags & (fin | syn | rst | ack) != syn";

function onlyIpv4(plan: CapturePlan): string[] {
  return plan.ipv6 ? [] : [rule("meta nfproto ipv6", "return", "IPv6 is left alone")];
}

function ownersReturn(plan: CapturePlan): string[] {
  return [
    rule(`meta skuid ${plan.proxyUid}`, "return", "proxy user"),
    rule(`meta skgid ${plan.proxyGid}`, "return", "proxy group"),
  ];
}

/**
 * Sends the captured users on. "Everyone" means every user: connections of the kernel itself (NFS, iSCSI) have no owner,
 * match no owner test, and must not hang on a process that may need the disk they serve.
 */
function captured(plan: CapturePlan, chain: string): string[] {
  const { everyone, uids, gids } = capturedUsers(plan);
  if (everyone) return [rule(`meta skuid != ${plan.proxyUid}`, `goto ${chain}`, "every other user")];
  return [
    ...(uids.length === 0 ? [] : [rule(`meta skuid ${setOf(uids)}`, `goto ${chain}`, "workload users")]),
    ...(gids.length === 0 ? [] : [rule(`meta skgid ${setOf(gids)}`, `goto ${chain}`, "workload groups")]),
  ];
}

/** The owners of all workloads together, sorted. */
export function capturedUsers(plan: CapturePlan): { everyone: boolean; uids: number[]; gids: number[] } {
  const users = plan.workloads.map((workload) => workload.who);
  const numbers = (list: number[]): number[] => [...new Set(list)].sort((a, b) => a - b);
  return {
    everyone: users.some((who) => who.kind === "everyone"),
    uids: numbers(users.flatMap((who) => (who.kind === "uid" ? [who.uid] : []))),
    gids: numbers(users.flatMap((who) => (who.kind === "gid" ? [who.gid] : []))),
  };
}

function rawOutputChain(plan: CapturePlan, dnsPort: number): Chain {
  return {
    name: "raw-output",
    head: ["type filter hook output priority raw; policy accept;"],
    rules: [
      ...onlyIpv4(plan),
      rule(`udp sport ${dnsPort}`, `ct zone set ${dnsZone} return`, "answers of the agent"),
      rule(`udp dport ${dnsPort}`, `ct zone set ${dnsZone} return`, "queries sent straight to the agent"),
      "meta l4proto != udp return",
      rule("udp dport != 53", "return", "not DNS"),
      ...ownersReturn(plan),
      ...captured(plan, "dns-zone"),
    ],
  };
}

function dnsZoneChain(plan: CapturePlan): Chain {
  return {
    name: "dns-zone",
    head: [],
    rules: [
      ...exemptResolvers(plan),
      ...toNameservers(plan).map((match) => rule(`${match}udp dport 53`, `ct zone set ${dnsZone}`, "captured queries")),
    ],
  };
}

function exemptResolvers(plan: CapturePlan): string[] {
  if (plan.dnsExemptUids.length === 0) return [];
  return [rule(`meta skuid ${setOf(plan.dnsExemptUids)} th dport 53`, "return", "local resolvers")];
}

/** One match per address family; `""` for every server. */
function toNameservers(plan: CapturePlan): string[] {
  return plan.nameservers === "*" ? [""] : blockMatches(plan, plan.nameservers).map((match) => `${match} `);
}

function outputChain(plan: CapturePlan): Chain {
  const notOurs = setOf(plan.dnsPort === undefined ? [tunnelPort] : [53, tunnelPort]);
  const selfCall = (family: string): string => `oifname "lo" ${family} tcp dport != ${notOurs}`;
  const families = plan.ipv6 ? ["ip daddr != 127.0.0.0/8", "ip6 daddr != ::1"] : ["ip daddr != 127.0.0.0/8"];
  return {
    name: "output",
    head: [`type nat hook output priority ${natPriority}; policy accept;`],
    rules: [
      rule("", "", `plan ${planHash(plan)}`),
      ...onlyIpv4(plan),
      plan.dnsPort === undefined ? "meta l4proto != tcp return" : "meta l4proto != { tcp, udp } return",
      ...(plan.dnsPort === undefined ? [] : [rule("udp dport != 53", "return", "UDP other than DNS")]),
      rule(notASyn, "return", "connections older than the rules"),
      ...exemptEndpoints(plan),
      rule(`oifname "lo" ip saddr ${passthroughSource.ipv4}`, "return", "Envoy to a local port"),
      ...(plan.ipv6
        ? [rule(`oifname "lo" ip6 saddr ${passthroughSource.ipv6}`, "return", "Envoy to a local port")]
        : []),
      // A workload that calls its own service reaches its own inbound listener, as a call from outside would.
      ...families.flatMap((family) => [
        rule(`${selfCall(family)} meta skuid ${plan.proxyUid}`, "goto inbound", "proxy calls this machine"),
        rule(`${selfCall(family)} meta skgid ${plan.proxyGid}`, "goto inbound", "proxy calls this machine"),
      ]),
      ...ownersReturn(plan),
      rule(plan.dnsPort === undefined ? 'oifname "lo"' : 'oifname "lo" th dport != 53', "return", "inside the machine"),
      ...(plan.excludeOutboundPorts.length === 0
        ? []
        : [rule(`tcp dport ${setOf(plan.excludeOutboundPorts)}`, "return", "excluded ports")]),
      ...captured(plan, "outbound"),
    ],
  };
}

function outboundChain(plan: CapturePlan): Chain {
  const { dnsPort } = plan;
  const included = plan.includeOutboundCidrs === "*" ? [""] : blockMatches(plan, plan.includeOutboundCidrs);
  return {
    name: "outbound",
    head: [],
    rules: [
      ...(dnsPort === undefined
        ? []
        : [
            ...exemptResolvers(plan),
            ...toNameservers(plan).map((match) =>
              rule(`meta l4proto { tcp, udp } ${match}th dport 53`, `redirect to :${dnsPort}`, "DNS"),
            ),
            rule("meta l4proto udp", "return", "other DNS servers"),
          ]),
      ...blockMatches(plan, plan.excludeOutboundCidrs).map((match) => rule(match, "return", "excluded addresses")),
      ...included.map((match) =>
        rule(`meta l4proto tcp${match === "" ? "" : ` ${match}`}`, `redirect to :${plan.outboundPort}`, "captured"),
      ),
    ],
  };
}

function preroutingChain(plan: CapturePlan): Chain {
  return {
    name: "prerouting",
    head: [`type nat hook prerouting priority ${natPriority}; policy accept;`],
    rules: [
      ...onlyIpv4(plan),
      "meta l4proto != tcp return",
      rule(notASyn, "return", "connections older than the rules"),
      rule("fib daddr type != local", "return", "forwarded, for a container or another machine"),
      "goto inbound",
    ],
  };
}

function inboundChain(plan: CapturePlan): Chain {
  const ports = plan.includeInboundPorts;
  const match = ports === "*" ? "meta l4proto tcp" : `tcp dport ${setOf(ports)}`;
  return {
    name: "inbound",
    head: [],
    rules: [
      ...exemptEndpoints(plan),
      rule(`tcp dport ${setOf(plan.excludeInboundPorts)}`, "return", "SSH and excluded ports"),
      ...(ports.length === 0 ? [] : [rule(match, `redirect to :${plan.inboundPort}`, "captured")]),
    ],
  };
}

function exemptEndpoints(plan: CapturePlan): string[] {
  const match = (family: string, isFamily: (address: string) => boolean): string[] => {
    const pairs = plan.controlPlane.filter(({ address }) => isFamily(address));
    if (pairs.length === 0) return [];
    const set = pairs.map(({ address, port }) => `${address} . ${port}`).join(", ");
    return [rule(`${family} daddr . tcp dport { ${set} }`, "return", "control plane")];
  };
  return [
    ...match("ip", (address) => !address.includes(":")),
    ...(plan.ipv6 ? match("ip6", (address) => address.includes(":")) : []),
  ];
}

/** Matches on the destination, one per family that has blocks. A /0 is the family itself: sets of nftables cannot hold it. */
function blockMatches(plan: CapturePlan, blocks: readonly string[]): string[] {
  const families = [
    { word: "ip", proto: "ipv4", whole: "/32", blocks: blocks.filter((block) => !block.includes(":")) },
    {
      word: "ip6",
      proto: "ipv6",
      whole: "/128",
      blocks: plan.ipv6 ? blocks.filter((block) => block.includes(":")) : [],
    },
  ];
  return families.flatMap(({ word, proto, whole, blocks: own }) => {
    if (own.length === 0) return [];
    if (own.some((block) => block.endsWith("/0"))) return [`meta nfproto ${proto}`];
    return [
      `${word} daddr ${setOf(own.map((block) => (block.endsWith(whole) ? block.slice(0, -whole.length) : block)))}`,
    ];
  });
}

function setOf(values: readonly (number | string)[]): string {
  return values.length === 1 ? String(values[0]) : `{ ${values.join(", ")} }`;
}
