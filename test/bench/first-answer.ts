// How long a proxy waits for its first complete answer, and what that costs: `node test/bench/first-answer.ts`.
//
// Each run is a control plane of its own on 1,000 services with 10 endpoints, 100 of them routed by weight. The client asks as Envoy
// does, in plaintext; decoding is done in this process, so its own time is part of "answer".
import { ControlPlaneRun } from "../kit/control-plane-run.ts";
import { thousandServices, writeMesh } from "../kit/large-mesh.ts";
import { MeshClient } from "../kit/mesh-client.ts";
import { cpuMs, memoryMb } from "./process-figures.ts";
import { spreadOf } from "./xds/spread.ts";

const runs = 3;

interface Run {
  "start to ready, ms": number;
  "ready to complete answer, ms": number;
  "again, ms": number;
  "CPU until ready, ms": number;
  "CPU of the answer, ms": number;
  "RSS, MB": number;
  "RSS at most, MB": number;
  resources: number;
  "answer, MB": number;
}

const results: Run[] = [];
for (let run = 0; run < runs; run++) results.push(await measure());
const [first] = results;
if (first !== undefined) {
  const names = Object.keys(first) as (keyof Run)[];
  console.table(
    Object.fromEntries(
      names.map((name) => [
        name,
        { median: Math.round(spreadOf(results.map((result) => result[name])).median * 10) / 10 },
      ]),
    ),
  );
}

async function measure(): Promise<Run> {
  const control = new ControlPlaneRun();
  const client = new MeshClient();
  try {
    writeMesh(control.configDir, thousandServices);
    const startMs = performance.now();
    await control.up();
    const readyMs = performance.now();
    const readyCpuMs = cpuMs(control.program.pid);
    client.connect(control.addresses.plaintext);
    await client.complete();
    const completeMs = performance.now();
    const answerCpuMs = cpuMs(control.program.pid) - readyCpuMs;
    const { resources, traffic } = client;
    const second = new MeshClient();
    second.connect(control.addresses.plaintext);
    await second.complete();
    const againMs = performance.now() - completeMs;
    await second.close();
    return {
      "start to ready, ms": readyMs - startMs,
      "ready to complete answer, ms": completeMs - readyMs,
      "again, ms": againMs,
      "CPU until ready, ms": readyCpuMs,
      "CPU of the answer, ms": answerCpuMs,
      "RSS, MB": memoryMb(control.program.pid, "VmRSS"),
      "RSS at most, MB": memoryMb(control.program.pid, "VmHWM"),
      resources: resources.length,
      "answer, MB": traffic.bytes / (1 << 20),
    };
  } finally {
    await client.close();
    await control.stop();
  }
}
