// The host that runs `lateen up`, and where the operator of a test types.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { lateenProgram } from "./lateen-program.ts";
import type { Attempt, Host } from "./network.ts";
import type { Program } from "./program.ts";

export interface ControlPlaneOptions {
  /** More flags of `lateen up`. */
  flags?: readonly string[];
  /** Text of Istio's MeshConfig. */
  meshConfig?: string;
}

export class ControlPlane {
  readonly host: Host;
  private readonly options: ControlPlaneOptions;
  private running: Program | undefined;

  constructor(host: Host, options: ControlPlaneOptions = {}) {
    this.host = host;
    this.options = options;
  }

  /** `lateen up`, also again on the same data; resolves when it says `ready`. */
  async up(): Promise<void> {
    const { address } = this.host;
    const args = ["up", "--data-dir", this.dataDir, "--listen", address, "--advertise", address];
    const { flags = [], meshConfig } = this.options;
    if (meshConfig !== undefined) {
      const file = join(this.host.folder, "mesh.yaml");
      writeFileSync(file, meshConfig);
      args.push("--mesh-config", file);
    }
    this.running = this.host.start(lateenProgram, [...args, ...flags]);
    await this.running.line(/^ready\b/);
  }

  get dataDir(): string {
    return join(this.host.folder, "data");
  }

  get url(): string {
    return `https://${this.host.address}:15012`;
  }

  get program(): Program {
    assert.ok(this.running !== undefined, "the control plane was not started");
    return this.running;
  }

  /** One command of the operator; rejects where it fails. */
  async lateen(...args: string[]): Promise<string> {
    return (await this.host.run(lateenProgram, [...args, ...this.credentials])).stdout;
  }

  /** One command of the operator that may fail. */
  attempt(...args: string[]): Promise<Attempt> {
    return this.host.attempt(lateenProgram, [...args, ...this.credentials]);
  }

  /** `lateen apply` of a text; gives what it warned of. */
  async apply(objects: string): Promise<string> {
    const { stderr } = await this.host.run(lateenProgram, ["apply", "-f", "-", ...this.credentials], {
      input: objects,
    });
    return stderr;
  }

  /** `lateen delete`, such as `remove("vs/echo", "shop")`. */
  async remove(object: string, namespace: string): Promise<void> {
    await this.lateen("delete", object, "-n", namespace);
  }

  /** `lateen get … -o json`. */
  async get<T>(...args: string[]): Promise<T> {
    return JSON.parse(await this.lateen("get", ...args, "-o", "json")) as T;
  }

  /** A join token for a group `NAMESPACE/NAME`. */
  async token(group: string, ...flags: string[]): Promise<string> {
    return (await this.lateen("token", "create", "--group", group, ...flags)).trim();
  }

  /** As a power failure would. */
  async kill(): Promise<void> {
    this.program.kill("SIGKILL");
    await this.program.ended;
  }

  async stop(): Promise<void> {
    await this.program.stop();
  }

  /** The value of one of its metrics, all series added; 0 where there is none. */
  async metric(name: string): Promise<number> {
    const url = `http://${this.host.address}:15014/metrics`;
    const script = `process.stdout.write(await (await fetch(${JSON.stringify(url)})).text())`;
    const { stdout } = await this.host.run(process.execPath, ["--input-type=module", "-e", script]);
    const series = stdout.split("\n").filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`));
    return series.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
  }

  /** No proxy has rejected what it was sent, now or before. */
  async assertNothingRejected(): Promise<void> {
    assert.equal(await this.metric("pilot_total_xds_rejects"), 0, "proxies rejected configuration");
    const proxies = JSON.parse(await this.lateen("proxy-status", "-o", "json")) as ProxyRow[];
    const rejected = proxies.flatMap(({ name, types }) =>
      Object.entries(types).flatMap(([type, { state }]) => (state === "NACK" ? [`${name} ${type}`] : [])),
    );
    assert.deepEqual(rejected, [], "proxies rejected configuration");
  }

  private get credentials(): string[] {
    return ["--kubeconfig", join(this.dataDir, "admin.kubeconfig")];
  }
}

interface ProxyRow {
  name: string;
  types: Record<string, { state: string }>;
}
