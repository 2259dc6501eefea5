// Machines out of network namespaces: a switch of their own, and on it hosts with an address, a resolv.conf and a name.
//
// Nothing touches the host's own network. Everything is gone after `stop`, also when it is called half-way.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Inet6Address, inet6File, kernelHasIpv6, readInet6Addresses } from "../../src/capture/inet6-addresses.ts";
import { netSysctl } from "../../src/capture/net-sysctl.fake.ts";
import { runCommand } from "../../src/kernel/command.ts";
import { type Program, type ProgramOptions, startProgram } from "./program.ts";

/** Test addresses (RFC 2544): the switch has .1, hosts choose theirs. */
const prefix = "198.18.0";
/** The same for hosts that ask for IPv6 (RFC 4193); link-local addresses all of them have. */
const prefix6 = "fd00:198:18:";

/** A watchdog: a program that is to end by itself is killed after this time, milliseconds. */
const attemptMs = 60_000;

/** One machine. */
export interface Host {
  readonly name: string;
  /** IPv4 address in 198.18.0.0/24. */
  readonly address: string;
  /** IPv6 address in fd00:198:18::/64, of hosts that were asked to have one; with a default route. */
  readonly address6: string;
  /** Name of the network namespace. */
  readonly namespace: string;
  /** A folder of the machine's own, removed with the network. */
  readonly folder: string;
  /** Starts a program on the machine. */
  start(command: string, args: readonly string[], options?: ProgramOptions): Program;
  /** Runs a program on the machine to its end; rejects where it fails. */
  run(command: string, args: readonly string[], options?: RunOptions): Promise<{ stdout: string; stderr: string }>;
  /** Runs a program that may fail; gives its status and the lines of both outputs. */
  attempt(command: string, args: readonly string[], options?: ProgramOptions): Promise<Attempt>;
  /** The IPv6 addresses of an interface as the kernel has them now. */
  addresses6(device: string): Promise<Inet6Address[]>;
  /** What runs on the machine now. */
  processes(): Promise<{ pid: number; commandLine: string }[]>;
}

export interface HostOptions {
  /** An IPv6 address that others can reach, beside the link-local one. */
  ipv6?: boolean;
  /** Its resolver; the switch's IPv4 address where it is missing. */
  resolver?: string;
}

export interface RunOptions {
  env?: Record<string, string>;
  input?: string;
}

export interface Attempt {
  /** Null where a signal ended it. */
  code: number | null;
  output: string;
}

export class Network {
  /** Folder of everything that the network's machines write; world-traversable, so that uid 1337 reaches its own. */
  readonly folder: string;
  readonly switchNamespace: string;
  private readonly id: string;
  private readonly namespaces: string[] = [];
  private readonly programs = new Set<Program>();
  /** What was still there after every program had been asked to end, and what could not be removed. */
  private readonly found: string[] = [];
  private stopping: Promise<void> | undefined;

  private constructor() {
    this.id = `lt${process.pid.toString(36)}${Math.floor(Math.random() * 1296).toString(36)}`;
    this.folder = mkdtempSync(join(tmpdir(), "lateen-"));
    this.switchNamespace = `${this.id}-sw`;
  }

  /** Makes the switch. Needs root. */
  static async create(): Promise<Network> {
    const network = new Network();
    try {
      await runCommand("chmod", ["0711", network.folder]);
      await network.addNamespace(network.switchNamespace);
      await network.ip(network.switchNamespace, ["link", "add", "br0", "type", "bridge"]);
      await network.ip(network.switchNamespace, ["address", "add", `${prefix}.1/24`, "dev", "br0"]);
      await network.ip(network.switchNamespace, ["link", "set", "br0", "up"]);
      if (kernelHasIpv6()) {
        await network.ip(network.switchNamespace, ["address", "add", `${prefix6}:1/64`, "dev", "br0", "nodad"]);
      }
      return network;
    } catch (error) {
      await network.stop();
      throw error;
    }
  }

  /**
   * Adds a machine to the switch. Its resolver is the switch, its default route too.
   *
   * @param last last number of its addresses, 2 to 254
   */
  async addHost(name: string, last: number, options: HostOptions = {}): Promise<Host> {
    const namespace = `${this.id}-${name}`;
    const address = `${prefix}.${last}`;
    const address6 = `${prefix6}:${last}`;
    const folder = join(this.folder, name);
    mkdirSync(folder, { mode: 0o711 });
    await this.addNamespace(namespace);
    const port = `p${last}`;
    await runCommand("ip", [
      ...["link", "add", "eth0", "netns", namespace, "type", "veth"],
      ...["peer", "name", port, "netns", this.switchNamespace],
    ]);
    await this.ip(this.switchNamespace, ["link", "set", port, "master", "br0"]);
    await this.ip(this.switchNamespace, ["link", "set", port, "up"]);
    await this.ip(namespace, ["address", "add", `${address}/24`, "dev", "eth0"]);
    // Without this an address is tentative for a second or two, and connects to nobody.
    if (kernelHasIpv6()) {
      await runCommand("ip", ["netns", "exec", namespace, ...netSysctl("net.ipv6.conf.eth0.accept_dad", 0)]);
    }
    await this.ip(namespace, ["link", "set", "eth0", "up"]);
    if (options.ipv6 === true) {
      await this.ip(namespace, ["address", "add", `${address6}/64`, "dev", "eth0"]);
      await this.ip(namespace, ["-6", "route", "add", "default", "via", `${prefix6}:1`]);
    }
    await this.ip(namespace, ["route", "add", "default", "via", `${prefix}.1`]);
    // `ip netns exec` mounts these over the files of /etc.
    const etc = `/etc/netns/${namespace}`;
    mkdirSync(etc, { recursive: true });
    writeFileSync(
      join(etc, "resolv.conf"),
      `nameserver ${options.resolver ?? `${prefix}.1`}\noptions timeout:2 attempts:2\n`,
    );
    writeFileSync(join(etc, "hosts"), `127.0.0.1 localhost\n${address} ${name}\n`);
    return {
      name,
      address,
      address6,
      namespace,
      folder,
      start: (command, args, options) => this.start(inside(namespace, name, command, args), options),
      run: (command, args, options) => {
        const [program, ...rest] = inside(namespace, name, command, args);
        return runCommand(program, rest, { ...options, signal: AbortSignal.timeout(attemptMs) });
      },
      attempt: async (command, args, options) => {
        const program = this.start(inside(namespace, name, command, args), options);
        const watchdog = setTimeout(() => program.kill("SIGKILL"), attemptMs);
        const code = await program.ended;
        clearTimeout(watchdog);
        return { code, output: program.lines.join("\n") };
      },
      addresses6: async (device) => (await addressesIn(namespace)).filter((each) => each.device === device),
      processes: async () => (await pidsIn(namespace)).map((pid) => ({ pid, commandLine: commandLine(pid) })),
    };
  }

  /** Starts a program on the switch itself. */
  startOnSwitch(command: string, args: readonly string[], options?: ProgramOptions): Program {
    return this.start(inside(this.switchNamespace, "switch", command, args), options);
  }

  /** Starts a program that enters a machine's namespace by itself. */
  startOutside(command: string, args: readonly string[], options?: ProgramOptions): Program {
    return this.start([command, ...args], options);
  }

  /** Ends what runs, and removes everything, also what should not be there any more. */
  stop(): Promise<void> {
    this.stopping ??= this.removeAll();
    return this.stopping;
  }

  /** After `stop`: processes, rules, namespaces and files that the programs or the network left behind. */
  get leftovers(): readonly string[] {
    return this.found;
  }

  private start([command, ...args]: [string, ...string[]], options: ProgramOptions = {}): Program {
    const program = startProgram(command, args, options);
    this.programs.add(program);
    void program.ended.then(() => this.programs.delete(program));
    return program;
  }

  private async addNamespace(name: string): Promise<void> {
    await runCommand("ip", ["netns", "add", name]);
    this.namespaces.push(name);
    await this.ip(name, ["link", "set", "lo", "up"]);
  }

  private async ip(namespace: string, args: readonly string[]): Promise<void> {
    await runCommand("ip", ["-netns", namespace, ...args]);
  }

  private async removeAll(): Promise<void> {
    await Promise.all([...this.programs].map((program) => program.stop()));
    for (const name of this.namespaces.splice(0).reverse()) {
      await this.clear(name);
      const etc = `/etc/netns/${name}`;
      await runCommand("ip", ["netns", "delete", name]).catch((error) => this.found.push(String(error)));
      rmSync(etc, { recursive: true, force: true });
      if (existsSync(etc) || existsSync(`/run/netns/${name}`)) this.found.push(`namespace ${name}`);
    }
    rmSync(this.folder, { recursive: true, force: true });
    if (existsSync(this.folder)) this.found.push(this.folder);
  }

  /** Notes what is left in a namespace, and ends its processes by their ids: they would outlive the namespace's name. */
  private async clear(name: string): Promise<void> {
    for (const pid of await pidsIn(name)) {
      this.found.push(`process ${pid} in ${name}: ${commandLine(pid)}`);
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // it ended in the meantime
      }
    }
    const extra = (await addressesIn(name)).filter((each) => each.device === "lo" && each.address !== "::1");
    if (extra.length > 0) this.found.push(`addresses of lo in ${name}: ${extra.map(({ address }) => address)}`);
    const rules = await rulesIn(name);
    if (rules !== "") this.found.push(`rules in ${name}: ${rules}`);
  }
}

async function pidsIn(namespace: string): Promise<number[]> {
  const { stdout } = await runCommand("ip", ["netns", "pids", namespace]).catch(() => ({ stdout: "" }));
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map(Number);
}

async function addressesIn(namespace: string): Promise<Inet6Address[]> {
  const read = ["netns", "exec", namespace, "cat", inet6File];
  const { stdout } = await runCommand("ip", read).catch(() => ({ stdout: "" }));
  return readInet6Addresses(stdout);
}

/** Tables of nftables in a namespace. */
async function rulesIn(namespace: string): Promise<string> {
  const list = ["netns", "exec", namespace, "nft", "list", "tables"];
  const { stdout } = await runCommand("ip", list).catch(() => ({ stdout: "" }));
  return stdout.trim();
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").slice(0, 200);
  } catch {
    return "ended";
  }
}

/** The command line that runs a program in a namespace, under the machine's own host name. */
function inside(namespace: string, name: string, command: string, args: readonly string[]): [string, ...string[]] {
  const rename = 'hostname "$0" && exec "$@"';
  return ["ip", "netns", "exec", namespace, "unshare", "--uts", "sh", "-c", rename, name, command, ...args];
}
