// Output of `iptables-save -t nat` → LoadedRules of one address family.
import { cidrContains, parseCidr, parseIp } from "../kernel/ip-address.ts";
import { type AddressFamily, captureChains } from "./iptables.ts";
import type { LoadedRule, LoadedRules, RuleAction, TracedPacket } from "./loaded-rules.ts";

export interface IptablesListing extends LoadedRules {
  /** Chains of ours that exist. */
  readonly present: readonly string[];
  /** Jumps from built-in chains to ours, as `OUTPUT LATEEN_OUTPUT`, once per occurrence. */
  readonly hooks: readonly string[];
}

/**
 * @param listing text of `iptables-save` or `ip6tables-save` for the tables raw and nat, in this order
 */
export function readIptablesListing(listing: string, family: AddressFamily): IptablesListing {
  const ours = new Set(Object.values(captureChains).flatMap((chains) => Object.keys(chains)));
  const lines = listing.split("\n");
  const present = lines.flatMap((line) => {
    const name = /^:(\S+)/.exec(line)?.[1];
    return name !== undefined && ours.has(name) ? [name] : [];
  });
  const rules = rulesOf(lines);
  const own = rules.filter(([chain]) => ours.has(chain ?? ""));
  const chains = new Map<string, LoadedRule[]>();
  for (const [chain = "", ...words] of own) {
    const list = chains.get(chain) ?? [];
    list.push(loadedRule(chain, words));
    chains.set(chain, list);
  }
  const hooks = rules.flatMap(([chain, flag, target]) =>
    flag === "-j" && ours.has(target ?? "") && !ours.has(chain ?? "") ? [`${chain} ${target}`] : [],
  );
  const entry: { output?: string; prerouting?: string } = {};
  if (hooks.includes("OUTPUT LATEEN_OUTPUT")) entry.output = "LATEEN_OUTPUT";
  if (hooks.includes("PREROUTING LATEEN_PREROUTING")) entry.prerouting = "LATEEN_PREROUTING";
  return {
    families: [family],
    planHash: own
      .map((words) => /^plan (\S+)$/.exec(words.at(words.indexOf("--comment") + 1) ?? "")?.[1])
      .find(Boolean),
    signature: JSON.stringify([family, own.map((words) => words.join(" ")), hooks]),
    chains,
    entry,
    outrankedBy: outranking(rulesOf(lines.slice(lines.indexOf("*nat")))),
    present,
    hooks,
  };
}

function rulesOf(lines: readonly string[]): string[][] {
  return lines.filter((line) => line.startsWith("-A ")).map((line) => splitWords(line).slice(1));
}

/** Rules that stand before our jump in a built-in chain of the table nat. */
function outranking(rules: readonly string[][]): string[] {
  return Object.entries(captureChains.nat).flatMap(([ours, builtin]) => {
    if (builtin === undefined) return [];
    const own = rules.filter(([chain]) => chain === builtin);
    const at = own.findIndex((words) => words.at(-1) === ours);
    return own.slice(0, Math.max(0, at)).map((words) => words.join(" "));
  });
}

/** Words of a saved rule; only comments are quoted. */
function splitWords(line: string): string[] {
  return [...line.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? "");
}

type Test = LoadedRule["test"];

function loadedRule(chain: string, words: readonly string[]): LoadedRule {
  const tests: Test[] = [];
  let action: RuleAction = { kind: "none" };
  let negated = false;
  const queue = [...words];
  const add = (test: Test): void => {
    const flip = negated;
    negated = false;
    tests.push((packet) => {
      const result = test(packet);
      return result === undefined ? undefined : result !== flip;
    });
  };
  for (let word = queue.shift(); word !== undefined; word = queue.shift()) {
    const take = (): string => queue.shift() ?? "";
    if (word === "!") negated = true;
    else if (word === "-m" || word === "--comment") take();
    else if (word === "-j" || word === "-g") action = actionOf(word, take(), queue);
    else {
      const reader = matches[word];
      add(reader === undefined ? () => undefined : reader(take, word));
    }
  }
  return {
    action,
    text: `${chain}: ${words.join(" ")}`,
    test: (packet) => {
      const results = tests.map((test) => test(packet));
      return results.includes(false) ? false : results.includes(undefined) ? undefined : true;
    },
  };
}

function actionOf(flag: "-j" | "-g", target: string, queue: string[]): RuleAction {
  if (target === "RETURN") return { kind: "return" };
  if (flag === "-g") return { kind: "goto", chain: target };
  if (target !== "REDIRECT") return { kind: "unknown" };
  const port = queue.shift() === "--to-ports" ? Number(queue.shift()) : Number.NaN;
  return Number.isInteger(port) ? { kind: "redirect", port } : { kind: "unknown" };
}

/** Each takes its argument from the queue, if it has one. */
const matches: Readonly<Record<string, (take: () => string, word: string) => Test>> = {
  "-p": (take) => equal(take(), (packet) => packet.protocol),
  "-o": (take) => equal(take(), (packet) => (packet.toThisMachine ? "lo" : "other")),
  "-d": (take) => inBlock(take(), (packet) => packet.destination),
  "-s": (take) => inBlock(take(), (packet) => packet.source),
  "--dport": (take) => equal(take(), (packet) => String(packet.destinationPort)),
  "--sport": (take) => equal(take(), (packet) => String(packet.sourcePort)),
  "--dports": (take) => {
    const ports = take().split(",").map(Number);
    return (packet) => ports.includes(packet.destinationPort);
  },
  "--dst-type": (take) => equal(take(), (packet) => (packet.toThisMachine ? "LOCAL" : "UNICAST")),
  "--uid-owner": (take) => equal(take(), (packet) => String(packet.owner?.uid)),
  "--gid-owner": (take) => equal(take(), (packet) => String(packet.owner?.gid)),
  "--socket-exists": () => (packet) => packet.owner !== undefined,
  "--tcp-flags": (take) => {
    const [mask, set] = [take(), take()];
    return () => (mask === "FIN,SYN,RST,ACK" && set === "SYN" ? true : undefined);
  },
};

function equal(expected: string, field: (packet: TracedPacket) => string): Test {
  return (packet) => field(packet) === expected;
}

function inBlock(block: string, field: (packet: TracedPacket) => string): Test {
  const cidr = parseCidr(block);
  return (packet) => {
    const address = parseIp(field(packet));
    return cidr === undefined || address === undefined ? undefined : cidrContains(cidr, address);
  };
}
