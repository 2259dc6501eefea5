// One control plane, one mesh, one number of sidecars: everything the table says of them.
import { writeFileSync } from "node:fs";
import { typeUrls } from "../../../src/xds/type-url.ts";
import { hostOf, type LargeMesh, moveEndpoint, writeMesh, writeRouting } from "../../kit/large-mesh.ts";
import { Fleet } from "./fleet.ts";
import { monotonicMs } from "./fleet-messages.ts";
import { MeasuredControlPlane } from "./measured-control-plane.ts";
import type { RouteWay } from "./sidecar.ts";
import { foreignNodes, withCertificates } from "./sidecar-nodes.ts";

export interface MeshRun {
  mesh: LargeMesh;
  proxies: number;
  mtls: boolean;
  way: RouteWay;
  /** Repetitions of each change. */
  changes: number;
  /** File for a CPU profile of the control plane, by phase; none is made without. */
  profile?: (phase: string) => string | undefined;
}

export interface Phase {
  /** From the change until the last proxy has it, milliseconds. */
  lastMs: number;
  cpuMs: number;
  bytes: number;
  resources: number;
  stallMs: number;
  /** Of the sidecars' process. */
  clientCpuMs: number;
}

export interface MeshFigures {
  firstSync: Phase;
  residentMb: number;
  heapMb: number;
  externalMb: number;
  endpoint: Phase[];
  virtualService: Phase[];
  reconnect: Phase[];
  reconnectPeak: { steadyMb: number; peakMb: number };
  restart: Phase[];
}

export async function measureMesh(options: MeshRun): Promise<MeshFigures> {
  const control = new MeasuredControlPlane();
  const fleet = new Fleet();
  try {
    return await new Measurement(options, control, fleet).run();
  } finally {
    await fleet.stop();
    await control.stop();
  }
}

class Measurement {
  private readonly options: MeshRun;
  private readonly control: MeasuredControlPlane;
  private readonly fleet: Fleet;
  private edits = 0;

  constructor(options: MeshRun, control: MeasuredControlPlane, fleet: Fleet) {
    this.options = options;
    this.control = control;
    this.fleet = fleet;
  }

  async run(): Promise<MeshFigures> {
    const { control, options } = this;
    writeMesh(this.folder, options.mesh);
    await control.up();
    const plain = foreignNodes(options.proxies);
    const { nodes, ca } = options.mtls
      ? await withCertificates(plain, control.run.dataDir)
      : { nodes: plain, ca: undefined };
    await this.rest();
    const firstSync = await this.phase("first-sync", async () => {
      const startMs = monotonicMs();
      const { atMs } = await this.fleet.connect(this.url, nodes, { way: options.way, ca });
      return atMs - startMs;
    });
    await this.rest();
    await control.collectGarbage();
    const { heapMb, externalMb } = await control.figures();
    const residentMb = control.residentMb;
    await this.change(() => this.editEndpoint()); // not counted: the first change finds code cold
    await this.change(() => this.editRoute());
    const endpoint = await this.repeat("endpoint", () => this.change(() => this.editEndpoint()));
    const virtualService = await this.repeat("virtual-service", () => this.change(() => this.editRoute()));
    const steadyMb = control.residentMb;
    control.forgetPeak();
    const reconnect = await this.repeat("reconnect", () => this.comeBack());
    const { peakMb } = control;
    const restart = await this.repeat("restart", () => this.restart());
    return {
      ...{ firstSync, residentMb, heapMb, externalMb, endpoint, virtualService, reconnect, restart },
      reconnectPeak: { steadyMb, peakMb },
    };
  }

  private get folder(): string {
    return this.control.run.configDir;
  }

  private get url(): string {
    return this.options.mtls ? this.control.run.addresses.xds : this.control.url;
  }

  private async repeat(name: string, once: () => Promise<number>): Promise<Phase[]> {
    const phases: Phase[] = [];
    for (let round = 0; round < this.options.changes; round++) {
      phases.push(await this.phase(round === 0 && name !== "restart" ? name : "", once));
      await this.rest();
    }
    return phases;
  }

  /** @param once returns milliseconds */
  private async phase(name: string, once: () => Promise<number>): Promise<Phase> {
    const file = name === "" ? undefined : this.options.profile?.(name);
    if (file !== undefined) await this.control.startProfile();
    const before = await this.control.figures();
    const clientBefore = await this.fleet.figures();
    this.restarted = undefined;
    const lastMs = await once();
    await this.rest();
    const after = await this.control.figures();
    const client = await this.fleet.figures();
    if (file !== undefined) writeFileSync(file, JSON.stringify(await this.control.stopProfile()));
    return {
      lastMs,
      cpuMs: after.cpuMs - (this.restarted ?? before.cpuMs),
      bytes: client.bytes,
      resources: client.resources,
      stallMs: after.stallMs,
      clientCpuMs: client.cpuMs - clientBefore.cpuMs,
    };
  }

  /** CPU at `ready`, where the phase had a process of its own. */
  private restarted: number | undefined;

  /** Until acknowledgements are taken and the status is published. */
  private rest(): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, restMs));
  }

  private async change(edit: () => { typeUrl: string; name: string; write: () => void }): Promise<number> {
    const { typeUrl, name, write } = edit();
    const { whole } = this.fleet.watch(typeUrl, name);
    await this.fleet.figures(); // the order to watch has arrived
    const startMs = monotonicMs();
    write();
    const { lastMs } = await whole;
    return lastMs - startMs;
  }

  private editEndpoint(): { typeUrl: string; name: string; write: () => void } {
    this.edits += 1;
    const index = this.options.mesh.services - 1;
    const address = `10.250.${this.edits >> 8}.${this.edits & 255}`;
    return {
      typeUrl: typeUrls.endpoint,
      name: `outbound|8080||${hostOf(index)}`,
      write: () => void moveEndpoint(this.folder, this.options.mesh, index, address),
    };
  }

  private editRoute(): { typeUrl: string; name: string; write: () => void } {
    this.edits += 1;
    const index = this.edits % this.options.mesh.routed;
    const weight = 10 + (this.edits % 80);
    const write = (): void => void writeRouting(this.folder, index, weight);
    if (this.options.way === "whole") return { typeUrl: typeUrls.route, name: "8080", write };
    return { typeUrl: typeUrls.routePart, name: `8080/${hostOf(index)}:8080`, write };
  }

  private async comeBack(): Promise<number> {
    await this.fleet.drop();
    const { typeUrl, name, write } = this.editEndpoint();
    const { whole } = this.fleet.watch(typeUrl, name);
    const startMs = monotonicMs();
    write();
    await this.fleet.reconnect(this.url);
    const { lastMs } = await whole;
    return lastMs - startMs;
  }

  private async restart(): Promise<number> {
    const { control } = this;
    await control.kill();
    await control.up();
    const file = this.options.profile?.("restart-inner");
    if (file !== undefined) await control.startProfile();
    this.restarted = (await control.figures()).cpuMs;
    const lastMs = await this.comeBack();
    if (file !== undefined) writeFileSync(file, JSON.stringify(await control.stopProfile()));
    return lastMs;
  }
}

/** Longer than the server waits before it publishes statuses. */
const restMs = 1_000;
