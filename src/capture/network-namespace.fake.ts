// Network namespaces of a test's own, so that real rules can be loaded without touching the host.
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { runCommand } from "../kernel/command.ts";
import { kernelHasIpv6 } from "./inet6-addresses.ts";
import { netSysctl } from "./net-sysctl.fake.ts";

export interface NetworkNamespace {
  readonly name: string;
  /** In front of a command that is to run inside. */
  readonly prefix: readonly string[];
  run(...command: string[]): Promise<string>;
  remove(): Promise<void>;
}

/** Why namespaces cannot be made here; undefined where they can. Tests hand it to `skip`. */
export function namespacesMissing(programs: readonly string[]): string | undefined {
  if (process.getuid?.() !== 0) return "SKIPPED: needs root to make a network namespace";
  const folders = ["/usr/sbin", "/sbin", "/usr/bin", "/bin"];
  const missing = programs.filter((name) => !folders.some((folder) => existsSync(`${folder}/${name}`)));
  return missing.length === 0 ? undefined : `SKIPPED: needs ${missing.join(", ")}`;
}

const interrupts = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** A new, empty namespace with `lo` up. */
export async function createNamespace(): Promise<NetworkNamespace> {
  const name = `lt-${randomBytes(4).toString("hex")}`;
  await runCommand("ip", ["netns", "add", name]);
  const prefix = ["ip", "netns", "exec", name];
  const run = async (...command: string[]): Promise<string> => {
    const [program = "", ...args] = [...prefix, ...command];
    return (await runCommand(program, args)).stdout;
  };
  await run("ip", "link", "set", "lo", "up");
  // A test that fails hard skips its hooks, and a signal would skip the end of the process, too.
  const atExit = (): void => void spawnSync("ip", ["netns", "del", name]);
  const atSignal = (): void => process.exit(130);
  process.once("exit", atExit);
  for (const signal of interrupts) process.once(signal, atSignal);
  const remove = async (): Promise<void> => {
    process.off("exit", atExit);
    for (const signal of interrupts) process.off(signal, atSignal);
    await runCommand("ip", ["netns", "del", name]);
  };
  return { name, prefix, run, remove };
}

/** A cable between two namespaces: `a` gets 10.91.`net`.1 and fd91:`net`::1, `b` gets .2 and ::2. */
export async function connectNamespaces(a: NetworkNamespace, b: NetworkNamespace, net: number): Promise<void> {
  const [left, right] = [`lt${net}a`, `lt${net}b`];
  await a.run("ip", "link", "add", left, "type", "veth", "peer", "name", right, "netns", b.name);
  for (const [namespace, device, host] of [
    [a, left, 1],
    [b, right, 2],
  ] as const) {
    await namespace.run("ip", "addr", "add", `10.91.${net}.${host}/24`, "dev", device);
    await namespace.run("ip", "addr", "add", `fd91:${net}::${host}/64`, "dev", device, "nodad");
    // Without this the link-local address is tentative for a second or two, and answers nobody.
    if (kernelHasIpv6()) await namespace.run(...netSysctl(`net.ipv6.conf.${device}.accept_dad`, 0));
    await namespace.run("ip", "link", "set", device, "up");
  }
}
