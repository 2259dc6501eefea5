// A machine with systemd as its first process: this machine's own files under a layer that vanishes, in the network of
// a host of the tests.
import assert from "node:assert/strict";
import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder } from "../../src/kernel/wheel.ts";
import { eventually } from "./eventually.ts";
import type { Attempt, Host, Network } from "./network.ts";
import type { Program, ProgramOptions } from "./program.ts";

const repository = join(import.meta.dirname, "../..");

/** Why no machine can be booted here; undefined where one can. Tests hand it to `skip`. */
export function bootMissing(): string | undefined {
  if (process.getuid?.() !== 0) return "SKIPPED: needs root to boot a machine";
  const missing = ["/usr/bin/systemd-nspawn", "/lib/systemd/systemd"].filter((path) => !existsSync(path));
  if (missing.length > 0) return `SKIPPED: needs ${missing.join(", ")} (Debian: systemd-container)`;
  // Of version 1, as where version 2 is mounted beside it, or of version 2.
  const groups = ["/sys/fs/cgroup/systemd", "/sys/fs/cgroup"].find((path) => existsSync(path)) ?? "/sys/fs/cgroup";
  try {
    accessSync(groups, constants.W_OK);
    return undefined;
  } catch {
    return `SKIPPED: ${groups} cannot be written, so systemd cannot be booted`;
  }
}

/** A watchdog: longest wait for systemd, milliseconds. */
const bootMs = 60_000;

export class BootedMachine {
  readonly host: Host;
  private readonly container: Program;

  private constructor(host: Host, container: Program) {
    this.host = host;
    this.container = container;
  }

  /** @param shared folders that the machine sees under their own paths, read-only */
  static async boot(network: Network, host: Host, shared: readonly string[]): Promise<BootedMachine> {
    // The mounts are in a namespace of this shell's, and end with it.
    const script = `set -e
      mount --make-rprivate /
      mkdir -p /run/systemd
      mount -t tmpfs tmpfs /run/systemd
      mkdir "$1/layer" "$1/root"
      mount -t tmpfs -o mode=0755 tmpfs "$1/layer"
      mkdir -p "$1/layer/upper/etc" "$1/layer/work"
      cp "/etc/netns/$2/resolv.conf" "/etc/netns/$2/hosts" "$1/layer/upper/etc/"
      mount -t overlay overlay -o "lowerdir=/,upperdir=$1/layer/upper,workdir=$1/layer/work" "$1/root"
      folder=$1
      namespace=$2
      name=$3
      shift 3
      boot() {
        systemd-nspawn --quiet --register=no --keep-unit --resolv-conf=off --link-journal=no \\
          --machine="$name" --directory="$folder/root" --network-namespace-path="/run/netns/$namespace" \\
          --capability=CAP_NET_ADMIN "$@" --boot
      }
      # 133 asks for a reboot.
      status=133
      while [ "$status" -eq 133 ]; do boot "$@" && status=0 || status=$?; done`;
    const folders = [repository, cacheFolder(), ...shared].map((folder) => `--bind-ro=${folder}`);
    const args = ["--mount", "sh", "-c", script, "boot", host.folder, host.namespace, host.name, ...folders];
    const container = network.startOutside("unshare", args);
    const machine = new BootedMachine(host, container);
    await machine.booted();
    return machine;
  }

  /** Resolves once systemd has started what it is to start. */
  private async booted(): Promise<void> {
    await eventually(
      async () => {
        const { output } = await this.attempt("systemctl", ["is-system-running"]);
        assert.match(output, /^(running|degraded)$/m, this.container.lines.slice(-5).join("\n"));
      },
      { everyMs: 200, withinMs: bootMs },
    );
  }

  async reboot(): Promise<void> {
    const before = this.firstProcess();
    await this.attempt("systemctl", ["reboot"]);
    await eventually(() => assert.ok(![before, undefined].includes(this.firstProcess()), "it has not gone down"), {
      everyMs: 200,
      withinMs: bootMs,
    });
    await this.booted();
  }

  /** Runs a program on the machine that may fail. */
  attempt(command: string, args: readonly string[], options?: ProgramOptions): Promise<Attempt> {
    return this.host.attempt("nsenter", [...this.inside(), command, ...args], options);
  }

  /** Runs a program on the machine; rejects where it fails. */
  async run(command: string, ...args: string[]): Promise<string> {
    const { code, output } = await this.attempt(command, args);
    assert.equal(code, 0, `${command} ${args.join(" ")}: ${output}`);
    return output;
  }

  private inside(): string[] {
    const first = this.firstProcess();
    assert.ok(first !== undefined, this.container.lines.slice(-5).join("\n"));
    return [`--target=${first}`, "--mount", "--uts", "--ipc", "--net", "--pid", "--root", "--wdns=/"];
  }

  /** The id, outside, of the machine's systemd. */
  private firstProcess(): number | undefined {
    let pid = this.container.pid;
    // systemd-nspawn has a helper between itself and the first process.
    for (;;) {
      const name = read(`/proc/${pid}/comm`).trim();
      if (name === "systemd") return pid;
      const [child] = read(`/proc/${pid}/task/${pid}/children`).trim().split(" ").filter(Boolean).map(Number).reverse();
      if (child === undefined) return undefined;
      pid = child;
    }
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // it has ended
  }
}
