// The machines of the demo: a control plane, three members of the mesh and one outsider, each a network namespace.
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Host, Network } from "../test/kit/network.ts";
import type { Program } from "../test/kit/program.ts";
import type { Calls } from "./app/call.ts";

const root = join(import.meta.dirname, "..");
const lateen = join(root, "bin/lateen");
/** Applications run as an ordinary user: what they do must go through the mesh. */
const applicationUser = "65534";

/** A page of metrics is given again for a second, milliseconds. */
const pageAgeMs = 1_100;

/** The host that runs `lateen up`, and where the operator types. */
export class ControlHost {
  readonly host: Host;
  private program: Program | undefined;

  constructor(host: Host) {
    this.host = host;
  }

  /** `lateen up`; resolves when it says `ready`. */
  async up(): Promise<void> {
    const { host } = this;
    const args = ["up", "--data-dir", join(host.folder, "data"), "--listen", host.address, "--advertise", host.address];
    this.program = host.start(lateen, args);
    await this.program.line(/\bready\b/);
  }

  get url(): string {
    return `https://${this.host.address}:15012`;
  }

  get kubeconfig(): string {
    return join(this.host.folder, "data", "admin.kubeconfig");
  }

  /** One command of the operator, such as `apply -f mesh.yaml`. */
  async lateen(...args: string[]): Promise<string> {
    const { stdout } = await this.host.run(lateen, [...args, "--kubeconfig", this.kubeconfig]);
    return stdout;
  }

  /** A counter of the control plane's own metrics, all series added, as any scraper reads it; of this moment or later. */
  async counter(name: string): Promise<number> {
    await new Promise((resolve) => setTimeout(resolve, pageAgeMs));
    const url = JSON.stringify(`http://${this.host.address}:15014/metrics`);
    const script = `process.stdout.write(await (await fetch(${url})).text())`;
    const { stdout } = await this.host.run(process.execPath, ["--input-type=module", "-e", script]);
    const series = stdout.split("\n").filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`));
    return series.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
  }

  /** As a power failure would. */
  async kill(): Promise<void> {
    this.program?.kill("SIGKILL");
    await this.program?.ended;
  }
}

/** A machine that joins the mesh with one command. */
export class Machine {
  readonly host: Host;
  readonly program: Program;

  private constructor(host: Host, program: Program) {
    this.host = host;
    this.program = program;
  }

  /** `lateen join URL --token …`; resolves when it says that the machine is ready. */
  static async join(host: Host, url: string, token: string): Promise<Machine> {
    const args = ["join", url, "--name", host.name, "--foreground", "--data-dir", join(host.folder, "lateen")];
    // Through the environment: an argument would show in the process list.
    const program = host.start(lateen, args, {
      env: { LATEEN_TOKEN: token, LATEEN_RUN_DIR: join(host.folder, "run") },
    });
    await program.line(/\bready\b/);
    return new Machine(host, program);
  }
}

/**
 * Puts Node and the applications where an ordinary user can read them: a clone may lie below a home that only root may
 * enter.
 */
export function installApplications(network: Network): void {
  const folder = join(network.folder, "app");
  mkdirSync(folder, { mode: 0o755 });
  copyFileSync(process.execPath, join(folder, "node"));
  for (const file of ["reviews.ts", "call.ts"]) copyFileSync(join(root, "demo/app", file), join(folder, file));
  writeFileSync(join(folder, "package.json"), '{"type":"module"}');
}

/** The command line of an application, run as an ordinary user. */
function application(host: Host, file: string, ...args: string[]): string[] {
  const folder = join(host.folder, "../app");
  return [...asUser, join(folder, "node"), join(folder, file), ...args];
}

/** Starts an application of the demo as an ordinary user, and waits until it listens. */
export async function startApplication(host: Host, file: string, ...args: string[]): Promise<Program> {
  const program = host.start("setpriv", application(host, file, ...args));
  await program.line(/listens/);
  return program;
}

/** Calls a URL from an application of the machine. */
export async function callFrom(host: Host, url: string, count = 1, perSecond = 0): Promise<Calls> {
  const { stdout } = await host.run("setpriv", application(host, "call.ts", url, String(count), String(perSecond)));
  return JSON.parse(stdout) as Calls;
}

const asUser = [`--reuid=${applicationUser}`, `--regid=${applicationUser}`, "--clear-groups"];

/** Runs a command on a machine, for `--keep`. */
export function commandOn(host: Host, command: string, env = ""): string {
  return `${env}ip netns exec ${host.namespace} ${command}`;
}
