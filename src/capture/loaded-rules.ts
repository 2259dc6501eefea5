// Rules as the kernel holds them, read back, and what they would do with one packet.

/** The first packet of a connection, as far as capture rules look at it. */
export interface TracedPacket {
  /** `output`: sent by a process of this machine; `prerouting`: came in. */
  readonly hook: "output" | "prerouting";
  readonly protocol: "tcp" | "udp";
  readonly source: string;
  readonly destination: string;
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** Undefined: the socket belongs to the kernel, or the packet came in. */
  readonly owner: { readonly uid: number; readonly gid: number } | undefined;
  /** The destination is an address of this machine; such packets leave through `lo`. */
  readonly toThisMachine: boolean;
}

export type Verdict =
  | { kind: "untouched" }
  | { kind: "redirected"; port: number }
  /** A rule that this reader does not understand decides. */
  | { kind: "unclear"; rule: string };

export type RuleAction =
  | { kind: "none" }
  | { kind: "return" }
  | { kind: "redirect"; port: number }
  | { kind: "goto"; chain: string }
  | { kind: "jump"; chain: string }
  | { kind: "unknown" };

export interface LoadedRule {
  /** True where every match of the rule holds; undefined where one is not understood. */
  test(packet: TracedPacket): boolean | undefined;
  readonly action: RuleAction;
  /** For messages. */
  readonly text: string;
}

export interface LoadedRules {
  /** Whose packets these rules see. */
  readonly families: readonly ("ipv4" | "ipv6")[];
  /** The plan they were made from; undefined where the mark is gone. */
  readonly planHash: string | undefined;
  /** Equal as long as nobody changed a rule; counters do not matter. */
  readonly signature: string;
  /** NAT chains by name. */
  readonly chains: ReadonlyMap<string, readonly LoadedRule[]>;
  /** Where each hook enters. */
  readonly entry: Readonly<Partial<Record<TracedPacket["hook"], string>>>;
  /** Rules of others that NAT consults before ours. */
  readonly outrankedBy: readonly string[];
}

/** Chains call each other at most this deep (nf_tables allows 16). */
const depthLimit = 16;

export function traceRules(rules: LoadedRules, packet: TracedPacket): Verdict {
  const family = packet.destination.includes(":") ? "ipv6" : "ipv4";
  const entry = rules.families.includes(family) ? rules.entry[packet.hook] : undefined;
  return entry === undefined ? { kind: "untouched" } : (walk(rules, entry, packet, 0) ?? { kind: "untouched" });
}

/** Undefined: the chain returned to its caller. */
function walk(rules: LoadedRules, chain: string, packet: TracedPacket, depth: number): Verdict | undefined {
  if (depth > depthLimit) return { kind: "unclear", rule: `chain ${chain} calls itself` };
  for (const rule of rules.chains.get(chain) ?? []) {
    const matches = rule.test(packet);
    if (matches === false) continue;
    if (rule.action.kind === "none") continue;
    if (matches === undefined || rule.action.kind === "unknown") return { kind: "unclear", rule: rule.text };
    switch (rule.action.kind) {
      case "return":
        return undefined;
      case "redirect":
        return { kind: "redirected", port: rule.action.port };
      case "goto":
        return walk(rules, rule.action.chain, packet, depth + 1);
      case "jump": {
        const verdict = walk(rules, rule.action.chain, packet, depth + 1);
        if (verdict !== undefined) return verdict;
      }
    }
  }
  return undefined;
}
