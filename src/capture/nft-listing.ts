// Output of `nft -j list …` → LoadedRules. The JSON is libnftables-json(5).
import { cidrContains, parseCidr, parseIp } from "../kernel/ip-address.ts";
import type { LoadedRule, LoadedRules, RuleAction, TracedPacket } from "./loaded-rules.ts";
import { captureTable } from "./nftables.ts";

interface ListedChain {
  family: string;
  table: string;
  name: string;
  type?: string;
  hook?: string;
  prio?: number;
}

interface ListedRule {
  family: string;
  table: string;
  chain: string;
  comment?: string;
  expr: Expression[];
}

type Expression = Record<string, unknown>;

/**
 * @param listing JSON text of `nft -j list ruleset`
 * @returns undefined where our table is not loaded
 */
export function readNftListing(listing: string): LoadedRules | undefined {
  const items = (JSON.parse(listing) as { nftables: Record<string, unknown>[] }).nftables;
  const of = <T extends { family: string }>(kind: string): T[] =>
    items.flatMap((item) => (item[kind] === undefined ? [] : [item[kind] as T]));
  const isOurs = (item: { family: string; table: string }): boolean =>
    item.family === captureTable.family && item.table === captureTable.name;
  if (!of<{ family: string; name: string }>("table").some((t) => isOurs({ ...t, table: t.name }))) return undefined;

  const allChains = of<ListedChain>("chain");
  const ourChains = allChains.filter(isOurs);
  const ourRules = of<ListedRule>("rule").filter(isOurs);
  const chains = new Map<string, LoadedRule[]>(ourChains.map((chain) => [chain.name, []]));
  for (const rule of ourRules) chains.get(rule.chain)?.push(loadedRule(rule));
  const entry: { output?: string; prerouting?: string } = {};
  for (const chain of ourChains) {
    if (chain.type === "nat" && (chain.hook === "output" || chain.hook === "prerouting"))
      entry[chain.hook] = chain.name;
  }
  const ourPriority = Math.max(...ourChains.flatMap((chain) => (chain.type === "nat" ? [chain.prio ?? 0] : [])));
  const outrankedBy = allChains
    .filter((chain) => !isOurs(chain) && chain.type === "nat" && (chain.prio ?? 0) <= ourPriority)
    .filter((chain) => chain.hook === "output" || chain.hook === "prerouting")
    .map((chain) => `${chain.family} ${chain.table} ${chain.name}`);
  return {
    families: ["ipv4", "ipv6"],
    planHash: /^plan (\S+)$/m.exec(ourRules.map((rule) => rule.comment ?? "").join("\n"))?.[1],
    signature: JSON.stringify([ourChains.map(withoutHandle), ourRules.map(withoutHandle)], (key, value) =>
      key === "counter" ? {} : value,
    ),
    chains,
    entry,
    outrankedBy,
  };
}

function withoutHandle(item: object): object {
  return { ...item, handle: undefined };
}

type Test = LoadedRule["test"];

function loadedRule(rule: ListedRule): LoadedRule {
  const tests: Test[] = [];
  let action: RuleAction = { kind: "none" };
  for (const expression of rule.expr) {
    if ("match" in expression) tests.push(matchTest(expression["match"] as Match));
    else if (!("counter" in expression)) action = actionOf(expression);
  }
  return { test: allOf(tests), action, text: `${rule.chain}: ${rule.comment ?? JSON.stringify(rule.expr)}` };
}

function allOf(tests: readonly Test[]): Test {
  return (packet) => {
    let clear = true;
    for (const test of tests) {
      const result = test(packet);
      if (result === false) return false;
      if (result === undefined) clear = false;
    }
    return clear ? true : undefined;
  };
}

function actionOf(expression: Expression): RuleAction {
  const target = (name: "goto" | "jump"): string => (expression[name] as { target: string }).target;
  if ("return" in expression) return { kind: "return" };
  if ("goto" in expression) return { kind: "goto", chain: target("goto") };
  if ("jump" in expression) return { kind: "jump", chain: target("jump") };
  const port = (expression["redirect"] as { port?: unknown } | undefined)?.port;
  return typeof port === "number" ? { kind: "redirect", port } : { kind: "unknown" };
}

interface Match {
  op: string;
  left: Expression;
  right: unknown;
}

function matchTest(match: Match): Test {
  const field = fieldOf(match.left);
  if (field === undefined || !["==", "!=", "in"].includes(match.op)) return () => undefined;
  return (packet) => {
    const value = field(packet);
    // A field that the packet does not have matches neither way: nf_tables leaves the rule.
    if (value === undefined) return false;
    const held = holds(match.right, value);
    return match.op === "!=" && held !== undefined ? !held : held;
  };
}

/** A value that nft prints by name or by number. */
interface Named {
  readonly name: string;
  readonly number: number;
}

type Scalar = string | number | Named;
type FieldValue = Scalar | Scalar[];

/** How the value is read from a packet; undefined where we do not know the expression. */
function fieldOf(left: Expression): ((packet: TracedPacket) => FieldValue | undefined) | undefined {
  if ("concat" in left) {
    const parts = (left["concat"] as Expression[]).map(fieldOf);
    return (packet) => {
      const values = parts.map((part) => part?.(packet));
      return values.some((value) => value === undefined) ? undefined : (values as Scalar[]);
    };
  }
  if ("fib" in left) return (packet) => (packet.toThisMachine ? "local" : "unicast");
  if ("&" in left) return () => "syn";
  const meta = left["meta"] as { key: string } | undefined;
  if (meta !== undefined) return metaFields[meta.key];
  const payload = left["payload"] as { protocol: string; field: string } | undefined;
  if (payload === undefined) return undefined;
  const { protocol, field } = payload;
  if ((protocol === "ip" || protocol === "ip6") && (field === "saddr" || field === "daddr")) {
    return (packet) => {
      const address = field === "saddr" ? packet.source : packet.destination;
      return address.includes(":") === (protocol === "ip6") ? address : undefined;
    };
  }
  if (["tcp", "udp", "th"].includes(protocol) && (field === "sport" || field === "dport")) {
    return (packet) =>
      protocol !== "th" && protocol !== packet.protocol
        ? undefined
        : field === "sport"
          ? packet.sourcePort
          : packet.destinationPort;
  }
  return undefined;
}

/** nft prints the number where the machine has no /etc/protocols, as small systems do not. */
const protocols = { tcp: { name: "tcp", number: 6 }, udp: { name: "udp", number: 17 } } as const;

const metaFields: Readonly<Record<string, (packet: TracedPacket) => FieldValue | undefined>> = {
  oifname: (packet) => (packet.hook === "prerouting" ? undefined : packet.toThisMachine ? "lo" : "other"),
  l4proto: (packet) => protocols[packet.protocol],
  nfproto: (packet) => (packet.destination.includes(":") ? "ipv6" : "ipv4"),
  skuid: (packet) => packet.owner?.uid,
  skgid: (packet) => packet.owner?.gid,
};

/** Undefined where the two cannot be compared: a value that is written in a way we do not know. */
function holds(right: unknown, value: FieldValue): boolean | undefined {
  if (Array.isArray(value)) {
    const parts = (right as { concat?: unknown[] }).concat;
    if (parts !== undefined) return every(value.map((part, i) => holds(parts[i], part)));
    const elements = (right as { set?: unknown[] }).set;
    return elements === undefined ? undefined : some(elements.map((element) => holds(element, value)));
  }
  if (typeof right === "number") {
    if (typeof value === "object") return right === value.number;
    return typeof value === "number" ? right === value : undefined;
  }
  if (typeof right === "string") {
    if (typeof value === "object") return right === value.name;
    return typeof value === "string" ? right === value || blockHolds(right, value) : undefined;
  }
  const { set, prefix, range } = right as {
    set?: unknown[];
    prefix?: { addr: string; len: number };
    range?: [unknown, unknown];
  };
  if (set !== undefined) return some(set.map((element) => holds(element, value)));
  if (prefix !== undefined) {
    return typeof value === "string" ? blockHolds(`${prefix.addr}/${prefix.len}`, value) : undefined;
  }
  if (range === undefined || typeof value === "object") return undefined;
  const [low, high] = range;
  if (typeof value === "number") return Number(low) <= value && value <= Number(high);
  const [address, from, to] = [value, low, high].map((text) => parseIp(String(text)));
  if (address === undefined || from?.length !== address.length || to === undefined) return false;
  return Buffer.compare(from, address) <= 0 && Buffer.compare(address, to) <= 0;
}

function some(results: readonly (boolean | undefined)[]): boolean | undefined {
  if (results.includes(true)) return true;
  return results.includes(undefined) ? undefined : false;
}

function every(results: readonly (boolean | undefined)[]): boolean | undefined {
  if (results.includes(false)) return false;
  return results.includes(undefined) ? undefined : true;
}

function blockHolds(block: string, text: string): boolean {
  const cidr = parseCidr(block);
  const address = parseIp(text);
  return cidr !== undefined && address !== undefined && cidrContains(cidr, address);
}
