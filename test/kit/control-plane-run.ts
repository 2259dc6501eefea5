// `lateen up` as an operator starts it, on free ports, with folders of its own.
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Program, type ProgramOptions, startProgram } from "./program.ts";

export const lateenPath = join(import.meta.dirname, "../../bin/lateen");

/** Of each output of one command. */
const outputBytes = 64 << 20;

export interface Ran {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** Addresses of the line `ready`. */
export interface Addresses {
  /** `https://127.0.0.1:PORT` */
  api: string;
  xds: string;
  metrics: string;
  /** `http://127.0.0.1:PORT` */
  plaintext: string;
}

type Start = (command: string, args: readonly string[], options?: ProgramOptions) => Program;

export class ControlPlaneRun {
  readonly folder: string;
  readonly configDir: string;
  readonly dataDir: string;
  private readonly startOn: Start;
  private running: { program: Program; addresses: Addresses } | undefined;

  /** @param startOn starts it elsewhere, for example on a machine of a test network */
  constructor(startOn: Start = startProgram) {
    this.folder = mkdtempSync(join(tmpdir(), "lateen-up-"));
    this.configDir = join(this.folder, "config");
    this.dataDir = join(this.folder, "data");
    this.startOn = startOn;
    mkdirSync(this.configDir);
  }

  get kubeconfig(): string {
    return join(this.dataDir, "admin.kubeconfig");
  }

  get addresses(): Addresses {
    return this.current.addresses;
  }

  get program(): Program {
    return this.current.program;
  }

  /** @param flags more flags of `lateen up` */
  async up(...flags: string[]): Promise<Addresses> {
    const ports = ["--xds-port", "0", "--api-port", "0", "--metrics-port", "0", "--xds-plaintext", "127.0.0.1:0"];
    const folders = ["--data-dir", this.dataDir, "--config-dir", this.configDir];
    const program = this.startOn(lateenPath, ["up", "--listen", "127.0.0.1", ...folders, ...ports, ...flags]);
    const ready = await program.line(/^ready /).catch(async (error: unknown) => {
      await program.stop();
      throw error;
    });
    const fields = Object.fromEntries([...ready.matchAll(/(\w+)=(\S+)/g)].map((m) => [m[1], m[2]]));
    const { api = "", xds = "", metrics = "", plaintext = "" } = fields;
    this.running = { program, addresses: { api, xds, metrics, plaintext: `http://${plaintext}` } };
    return this.running.addresses;
  }

  /** Ends it and lets its folders stay, so that `up` can start it again. */
  async down(): Promise<void> {
    await this.running?.program.stop();
    this.running = undefined;
  }

  async stop(): Promise<void> {
    await this.down();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** One command of the operator. */
  lateen(...args: string[]): Promise<Ran> {
    return runLateen([...args, "--kubeconfig", this.kubeconfig]);
  }

  /** The administrator's certificate and the authority of the API, for TLS. */
  credentials(): { ca: Buffer; cert: Buffer; key: Buffer } {
    const text = readFileSync(this.kubeconfig, "utf8");
    const read = (name: string): Buffer =>
      Buffer.from(new RegExp(`"${name}-data": "([^"]+)"`).exec(text)?.[1] ?? "", "base64");
    return { ca: read("certificate-authority"), cert: read("client-certificate"), key: read("client-key") };
  }

  private get current(): { program: Program; addresses: Addresses } {
    if (this.running === undefined) throw new TypeError("the control plane is not running");
    return this.running;
  }
}

/** Runs the program to its end. */
export function runLateen(args: readonly string[], input = ""): Promise<Ran> {
  const { promise, resolve } = Promise.withResolvers<Ran>();
  const child = execFile(lateenPath, args, { maxBuffer: outputBytes }, (error, stdout, stderr) => {
    resolve({ status: error === null ? 0 : typeof error.code === "number" ? error.code : null, stdout, stderr });
  });
  child.stdin?.end(input);
  return promise;
}
