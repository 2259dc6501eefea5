// What the control plane, the agents and the Envoys use.
import { readFileSync } from "node:fs";
import { cpuMs, memoryMb } from "../process-figures.ts";
import type { ChurnMesh } from "./churn-mesh.ts";

export interface Used {
  /** Processor time since the start, milliseconds. */
  cpuMs: number;
  residentMb: number;
}

export interface FleetUse {
  controlPlane: Used;
  /** Of all together. */
  agents: Used;
  envoys: Used;
  /** Of Envoys' main threads, of all together, milliseconds. */
  envoyMainMs: number;
}

export async function fleetUse({ mesh, machines }: ChurnMesh): Promise<FleetUse> {
  const envoys = (await Promise.all(machines.map((machine) => machine.envoyPids()))).flat();
  return {
    controlPlane: usedBy([mesh.control.program.pid]),
    agents: usedBy(machines.map(({ agentProgram }) => agentProgram.pid)),
    envoys: usedBy(envoys),
    envoyMainMs: envoys.reduce((sum, pid) => sum + mainThreadMs(pid), 0),
  };
}

function usedBy(pids: readonly number[]): Used {
  const used = { cpuMs: 0, residentMb: 0 };
  for (const pid of pids) {
    used.cpuMs += cpuMs(pid);
    used.residentMb += memoryMb(pid, "VmRSS");
  }
  return used;
}

/** The first thread has the id of the process (proc_pid_task(5)); counted in hundredths of a second. */
function mainThreadMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/task/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
