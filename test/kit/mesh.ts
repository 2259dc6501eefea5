// One mesh for one file of tests: a control plane and machines, taken down again whatever happens.
import assert from "node:assert/strict";
import { copyFileSync, linkSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ControlPlane, type ControlPlaneOptions } from "./control-plane.ts";
import { Machine } from "./machine.ts";
import { type HostOptions, Network } from "./network.ts";

/** Machines need root: they are network namespaces. For `describe` and `it`. */
export const rootOnly = process.getuid?.() === 0 ? {} : { skip: "needs root" };

export interface MeshOptions extends ControlPlaneOptions {
  /** Applied before machines join. */
  objects?: string;
}

export class Mesh {
  readonly network: Network;
  readonly control: ControlPlane;
  private readonly machines: Machine[] = [];
  private lastAddress = 10;
  private readonly interrupted: () => void;

  private constructor(network: Network, control: ControlPlane) {
    this.network = network;
    this.control = control;
    this.interrupted = () => void network.stop().then(() => process.exit(130));
    for (const signal of interrupts) process.once(signal, this.interrupted);
  }

  static async start(options: MeshOptions = {}): Promise<Mesh> {
    const network = await Network.create();
    try {
      const mesh = new Mesh(network, new ControlPlane(await network.addHost("control", 2), options));
      installApplications(network.folder);
      const resolver = join(import.meta.dirname, "../../demo/app/resolver.ts");
      await network.startOnSwitch(process.execPath, [resolver, "198.18.0.1"]).line(/listens/);
      await mesh.control.up();
      if (options.objects !== undefined) await mesh.control.apply(options.objects);
      return mesh;
    } catch (error) {
      await network.stop();
      throw error;
    }
  }

  /** A machine that has not joined. */
  async addMachine(name: string, options: HostOptions = {}): Promise<Machine> {
    return new Machine(await this.network.addHost(name, ++this.lastAddress, options));
  }

  /** A machine that runs the application of the tests, if it is to, and has joined a group. */
  async join(name: string, group: string, options: { echo?: boolean } & HostOptions = {}): Promise<Machine> {
    const machine = await this.addMachine(name, options);
    if (options.echo === true) await machine.startEcho(name);
    await machine.join(this.control.url, await this.control.token(group));
    this.machines.push(machine);
    return machine;
  }

  /** Whether no proxy has refused what it was sent; for machines and control planes that run at the end of a file. */
  async assertNothingRejected(): Promise<void> {
    for (const machine of this.machines) await machine.assertNothingRejected();
    await this.control.assertNothingRejected();
  }

  /** Takes everything down, and asserts that nothing was rejected and nothing is left. */
  async stop(): Promise<void> {
    for (const signal of interrupts) process.off(signal, this.interrupted);
    await this.network.stop();
    assert.deepEqual(this.network.leftovers, [], "something is left behind");
  }
}

const interrupts = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Puts Node and the applications where an ordinary user can read them. */
function installApplications(networkFolder: string): void {
  const folder = join(networkFolder, "app");
  mkdirSync(folder, { mode: 0o755 });
  const node = join(folder, "node");
  try {
    linkSync(process.execPath, node);
  } catch {
    copyFileSync(process.execPath, node); // another file system
  }
  for (const file of ["echo.ts", "client.ts", "caller.ts"]) {
    copyFileSync(join(import.meta.dirname, "app", file), join(folder, file));
  }
  writeFileSync(join(folder, "package.json"), '{"type":"module"}');
}
