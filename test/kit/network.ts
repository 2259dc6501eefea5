// Machines out of network namespaces: a switch of their own, and on it hosts with an address, a resolv.conf and a name.
//
// Nothing touches the host's own network. Everything is gone after `stop`, also when it is called half-way.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runCommand } from "../../src/kernel/command.ts";
import { type Program, type ProgramOptions, startProgram } from "./program.ts";

/** Test addresses (RFC 2544): the switch has .1, hosts choose theirs. */
const prefix = "198.18.0";

/** One machine. */
export interface Host {
  readonly name: string;
  /** IPv4 address in 198.18.0.0/24. */
  readonly address: string;
  /** Name of the network namespace. */
  readonly namespace: string;
  /** A folder of the machine's own, removed with the network. */
  readonly folder: string;
  /** Starts a program on the machine. */
  start(command: string, args: readonly string[], options?: ProgramOptions): Program;
  /** Runs a program on the machine to its end. */
  run(command: string, args: readonly string[]): Promise<{ stdout: string; stderr: string }>;
}

export class Network {
  /** Folder of everything that the network's machines write; world-traversable, so that uid 1337 reaches its own. */
  readonly folder: string;
  readonly switchNamespace: string;
  private readonly id: string;
  private readonly namespaces: string[] = [];
  private readonly programs = new Set<Program>();
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
      return network;
    } catch (error) {
      await network.stop();
      throw error;
    }
  }

  /**
   * Adds a machine to the switch. Its resolver is the switch, its default route too.
   *
   * @param last last number of its address, 2 to 254
   */
  async addHost(name: string, last: number): Promise<Host> {
    const namespace = `${this.id}-${name}`;
    const address = `${prefix}.${last}`;
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
    await this.ip(namespace, ["link", "set", "eth0", "up"]);
    await this.ip(namespace, ["route", "add", "default", "via", `${prefix}.1`]);
    // `ip netns exec` mounts these over the files of /etc.
    const etc = `/etc/netns/${namespace}`;
    mkdirSync(etc, { recursive: true });
    writeFileSync(join(etc, "resolv.conf"), `nameserver ${prefix}.1\noptions timeout:2 attempts:2\n`);
    writeFileSync(join(etc, "hosts"), `127.0.0.1 localhost\n${address} ${name}\n`);
    return {
      name,
      address,
      namespace,
      folder,
      start: (command, args, options) => this.start(inside(namespace, name, command, args), options),
      run: (command, args) => {
        const [program, ...rest] = inside(namespace, name, command, args);
        return runCommand(program, rest);
      },
    };
  }

  /** Starts a program on the switch itself. */
  startOnSwitch(command: string, args: readonly string[], options?: ProgramOptions): Program {
    return this.start(inside(this.switchNamespace, "switch", command, args), options);
  }

  stop(): Promise<void> {
    this.stopping ??= this.removeAll();
    return this.stopping;
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
      await runCommand("ip", ["netns", "delete", name]).catch(() => {});
      rmSync(`/etc/netns/${name}`, { recursive: true, force: true });
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** The command line that runs a program in a namespace, under the machine's own host name. */
function inside(namespace: string, name: string, command: string, args: readonly string[]): [string, ...string[]] {
  const rename = 'hostname "$0" && exec "$@"';
  return ["ip", "netns", "exec", namespace, "unshare", "--uts", "sh", "-c", rename, name, command, ...args];
}
