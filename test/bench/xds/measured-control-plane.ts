// `lateen up` on a folder of configuration, with a probe inside.
import { writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import { ControlPlaneRun } from "../../kit/control-plane-run.ts";
import { memoryMb } from "../process-figures.ts";
import { monotonicMs } from "./fleet-messages.ts";
import type { ProbeFigures } from "./server-probe.ts";

const probePath = join(import.meta.dirname, "server-probe.ts");

export class MeasuredControlPlane {
  readonly run = new ControlPlaneRun();
  private probe: { socket: Socket; lines: Interface } | undefined;

  get url(): string {
    return this.run.addresses.plaintext;
  }

  /** Starts it; returns when `ready` was printed, CLOCK_MONOTONIC milliseconds. */
  async up(...flags: string[]): Promise<number> {
    const socketPath = join(this.run.folder, "probe.sock");
    process.env["LATEEN_BENCH_PROBE"] = socketPath;
    process.env["NODE_OPTIONS"] = `--import=${probePath} --expose-gc`;
    try {
      await this.run.up(...flags);
    } finally {
      delete process.env["NODE_OPTIONS"];
      delete process.env["LATEEN_BENCH_PROBE"];
    }
    const readyMs = monotonicMs();
    const socket = connect(socketPath);
    socket.on("error", () => {});
    this.probe = { socket, lines: createInterface({ input: socket }) };
    return readyMs;
  }

  /** Since the last call: the longest stall; since the start: CPU. */
  async figures(): Promise<ProbeFigures> {
    return (await this.ask("figures")) as ProbeFigures;
  }

  /** Collects garbage, so that what remains is what is held. */
  async collectGarbage(): Promise<void> {
    await this.ask("collect");
  }

  /** Writes what is held as a .heapsnapshot; the event loop stands meanwhile, some seconds for 100 MB. */
  async writeHeapSnapshot(path: string): Promise<void> {
    await this.ask(`snapshot ${path}`);
  }

  async startProfile(): Promise<void> {
    await this.ask("profile");
  }

  /** A .cpuprofile. */
  stopProfile(): Promise<unknown> {
    return this.ask("stop");
  }

  /** Most resident memory since the start, MB. */
  get peakMb(): number {
    return memoryMb(this.run.program.pid, "VmHWM");
  }

  /** Lets `peakMb` start anew (proc_pid_clear_refs(5), 5). */
  forgetPeak(): void {
    writeFileSync(`/proc/${this.run.program.pid}/clear_refs`, "5");
  }

  get residentMb(): number {
    return memoryMb(this.run.program.pid, "VmRSS");
  }

  /** Ends it at once, as a power cut does. */
  async kill(): Promise<void> {
    this.run.program.kill("SIGKILL");
    await this.run.program.ended;
    await this.run.down();
  }

  async stop(): Promise<void> {
    this.probe?.socket.destroy();
    await this.run.stop();
  }

  private ask(line: string): Promise<unknown> {
    const { probe } = this;
    if (probe === undefined) throw new TypeError("the control plane is not up");
    return new Promise((resolve, reject) => {
      const answered = (answer: string): void => {
        probe.socket.off("close", gone);
        resolve(JSON.parse(answer));
      };
      const gone = (): void => {
        probe.lines.off("line", answered);
        reject(new TypeError("the control plane has ended"));
      };
      probe.lines.once("line", answered);
      probe.socket.once("close", gone);
      probe.socket.write(`${line}\n`);
    });
  }
}
