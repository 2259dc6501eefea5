// The machines of the churn: callers, services of three machines each, and a few hosts outside the mesh.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CallPlan, CallReport } from "../../kit/app/caller.ts";
import { peerAuthentication, workloadGroup } from "../../kit/echo-objects.ts";
import type { Machine } from "../../kit/machine.ts";
import { Mesh } from "../../kit/mesh.ts";
import type { Program } from "../../kit/program.ts";
import { EnvoyProbes } from "./envoy-probes.ts";
import { type ChurnedService, churnNamespace, servicePorts } from "./story.ts";
import { ApiWriter, fileWriter, type Writer } from "./writers.ts";

export interface Churned {
  service: ChurnedService;
  write: Writer;
}

/** Machines that join at one time. */
const joining = 3;
const outsiders = 3;

export class ChurnMesh {
  readonly mesh: Mesh;
  readonly configDir: string;
  readonly machines: Machine[] = [];
  readonly callers: Machine[] = [];
  readonly services: Churned[] = [];
  readonly probes = new EnvoyProbes();
  readonly api: ApiWriter;

  private constructor(mesh: Mesh, configDir: string) {
    this.mesh = mesh;
    this.configDir = configDir;
    const writer = join(import.meta.dirname, "api-writer.ts");
    const kubeconfig = join(mesh.control.dataDir, "admin.kubeconfig");
    this.api = new ApiWriter((onLine) =>
      mesh.control.host.start(process.execPath, [writer, kubeconfig], { keepInput: true, onLine }),
    );
  }

  /** @param machines that join; at least four */
  static async start(machines: number, say: (what: string) => void): Promise<ChurnMesh> {
    const configDir = mkdtempSync(join(tmpdir(), "lateen-churn-"));
    const callers = Math.max(1, Math.floor(machines / 4));
    const services = Math.max(1, Math.floor((machines - callers) / 3));
    const groups = Array.from({ length: services }, (_, index) =>
      ["v1", "v2"].map((version) => echoGroup(index, version)).join(""),
    );
    const objects = workloadGroup("front") + groups.join("") + peerAuthentication("STRICT");
    const mesh = await Mesh.start({ objects, flags: ["--config-dir", configDir] });
    const churn = new ChurnMesh(mesh, configDir);
    try {
      await churn.addServices(services, say);
      for (let index = 0; index < machines - 3 * services; index++) {
        const machine = await mesh.join(`front-${index}`, "shop/front");
        churn.machines.push(machine);
        churn.callers.push(machine);
      }
      for (const machine of churn.machines) churn.probes.add(machine);
      return churn;
    } catch (error) {
      await churn.stop();
      throw error;
    }
  }

  /** Starts the calls of every caller. */
  call(plan: CallPlan, onReport: (caller: string, report: CallReport) => void): Program[] {
    return this.callers.map((machine) => {
      const program = machine.startApplication("caller.ts", (line) => {
        if (line.startsWith("{")) onReport(machine.host.name, JSON.parse(line) as CallReport);
        else console.error(`${machine.host.name}: ${line}`);
      });
      program.write(JSON.stringify(plan));
      return program;
    });
  }

  async stop(): Promise<void> {
    try {
      await this.mesh.stop();
    } finally {
      rmSync(this.configDir, { recursive: true, force: true });
    }
  }

  private async addServices(count: number, say: (what: string) => void): Promise<void> {
    const addresses: string[] = [];
    for (let number = 1; number <= outsiders; number++) {
      const machine = await this.mesh.addMachine(`outside-${number}`);
      await machine.startEcho(machine.host.name, 8080, 9000, 7070);
      addresses.push(machine.host.address);
    }
    this.addService(outsideService(addresses), fileWriter(this.configDir, "outside"));
    const waiting: [name: string, group: string][] = [];
    for (let index = 0; index < count; index++) {
      const service = echoService(index);
      this.addService(service, index % 2 === 0 ? fileWriter(this.configDir, service.key) : this.api.write);
      for (const name of service.v1) waiting.push([name, `shop/${service.key}-v1`]);
      for (const name of service.v2) waiting.push([name, `shop/${service.key}-v2`]);
    }
    const joinNext = async (): Promise<void> => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        const [name, group] = next;
        const machine = await this.mesh.addMachine(name);
        await machine.startEcho(name, 8080, 9000, 7070);
        await machine.join(this.mesh.control.url, await this.mesh.control.token(group));
        this.machines.push(machine);
        say(`${name} has joined`);
      }
    };
    await Promise.all(Array.from({ length: joining }, joinNext));
    for (const { service, write } of this.services) {
      await write([{ kind: "ServiceEntry", name: service.key, spec: service.entry(["v1", "v2"], []) }]);
    }
  }

  private addService(service: ChurnedService, write: Writer): void {
    this.services.push({ service, write });
  }
}

function echoGroup(index: number, version: string): string {
  const group = workloadGroup(`echo-${index}-${version}`, { app: `echo-${index}`, account: `echo-${index}`, version });
  return group.replace("tcp: 9000}", "tcp: 9000, grpc: 7070}");
}

/** A service of machines: who belongs to it is said by labels. */
function echoService(index: number): ChurnedService {
  const key = `echo-${index}`;
  const host = `${key}.${churnNamespace}.svc.cluster.local`;
  return {
    ...{ key, host, app: key, v1: [`${key}a`, `${key}b`], v2: [`${key}c`] },
    entry: (versions, morePorts) => ({
      ...{ hosts: [host], location: "MESH_INTERNAL", resolution: "STATIC", ports: [...servicePorts, ...morePorts] },
      workloadSelector: { labels: { app: key, ...(versions.length === 1 ? { version: versions[0] } : {}) } },
    }),
  };
}

/** A service whose endpoints are listed, outside the mesh. */
function outsideService(addresses: readonly string[]): ChurnedService {
  const key = "outside";
  const host = "outside.churn.example";
  const names = addresses.map((_, index) => `outside-${index + 1}`);
  const versionOf = (index: number): string => (index === 0 ? "v1" : "v2");
  return {
    ...{ key, host, v1: names.slice(0, 1), v2: names.slice(1) },
    entry: (versions, morePorts) => ({
      ...{ hosts: [host], location: "MESH_EXTERNAL", resolution: "STATIC", ports: [...servicePorts, ...morePorts] },
      endpoints: addresses
        .map((address, index) => ({ address, labels: { version: versionOf(index) } }))
        .filter(({ labels }) => versions.includes(labels.version)),
    }),
  };
}
