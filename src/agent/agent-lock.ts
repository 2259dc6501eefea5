// One agent on a machine: a second one would take the first one's socket and ports from under its Envoy.
import { linkSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { prepareRunFolder } from "./bootstrap/write-bootstrap.ts";
import { agentErrors } from "./errors.ts";

const lockName = "agent.pid";

export interface AgentLock {
  release(): void;
}

/**
 * Says in the run folder that this process is the machine's agent, until `release` or the end of the process.
 *
 * @param pid of this process
 * @throws LateenError LAT4212 where another agent runs; LAT4205 where the folder cannot be trusted
 */
export function takeAgentLock(settings: { runFolder: string; self: number }, pid: number): AgentLock {
  prepareRunFolder(settings);
  const path = join(settings.runFolder, lockName);
  // Linked under its name when it is whole: another agent must not take a half-written one for a dead agent's.
  const draft = `${path}.${pid}`;
  rmSync(draft, { force: true });
  writeFileSync(draft, `${pid} ${startOf(pid) ?? ""}`, { mode: 0o600, flag: "wx" });
  try {
    for (;;) {
      try {
        linkSync(draft, path);
        return { release: () => rmSync(path, { force: true }) };
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      }
      const other = runningAgent(settings.runFolder);
      if (other !== undefined) throw agentErrors.runsAlready(`an agent runs on this machine already, process ${other}`);
      rmSync(path, { force: true }); // of one that was killed
    }
  } finally {
    rmSync(draft, { force: true });
  }
}

/** The process id of the agent that runs with this run folder, if one does. */
export function runningAgent(runFolder: string): number | undefined {
  let text: string;
  try {
    text = readFileSync(join(runFolder, lockName), "utf8");
  } catch {
    return undefined;
  }
  const [, pid, start] = /^([1-9]\d{0,9}) (\d+)$/.exec(text) ?? [];
  // The number alone may be another process's by now.
  return pid !== undefined && startOf(Number(pid)) === start ? Number(pid) : undefined;
}

/** When a process started, in clock ticks since boot: field 22 of proc_pid_stat(5). */
function startOf(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The second field is the program's name in brackets, which may hold anything.
    return text.slice(text.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return undefined;
  }
}
