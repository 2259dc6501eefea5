// The end of a machine's part in a mesh: `lateen leave`.
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { runningAgent } from "../agent/agent-lock.ts";
import { sealKeyName } from "../agent/storage/sealed-folder.ts";
import { machineFileName } from "../agent/stored-machine.ts";
import type { LeaveOptions } from "../cli/cli-deps.ts";
import { systemClock } from "../kernel/clock.ts";
import { describeError } from "../kernel/error.ts";
import { createLog } from "../kernel/log.ts";
import { removeCapture } from "./capture-part.ts";
import type { CommandContext } from "./context.ts";
import { cmdErrors } from "./errors.ts";
import { runFolderOf } from "./run-folder.ts";
import { removeUnit } from "./systemd-unit.ts";

/** How often a process that is to end is looked for, milliseconds: one that is no child has no event. */
const lookIntervalMs = 100;
/** The agent drains its Envoy for 5 s and then ends; longer than this it hangs, milliseconds. */
const endLimitMs = 30_000;

/** `lateen leave`: agent, capture, unit and identity go; the control plane forgets the machine when its stream ends. */
export function leaveMachine(context: CommandContext): (options: LeaveOptions) => Promise<number> {
  return async ({ dataDir }) => {
    // Whatever fails, the rest goes: a machine must not stay half in a mesh.
    let status = 0;
    await removeUnit().catch((error: unknown) => {
      console.error(`the systemd unit could not be removed: ${describeError(error)}`);
      status = 1;
    });
    await endAgent(runFolderOf(context, dataDir)).catch((error: unknown) => {
      console.error(describeError(error));
      status = 1;
    });
    if (process.getuid?.() === 0) await removeCapture(systemClock, createLog("warn"));
    const wasJoined = existsSync(join(dataDir, machineFileName));
    // Only a folder that an agent made: the flag may name anything.
    if (existsSync(join(dataDir, sealKeyName))) rmSync(dataDir, { recursive: true, force: true });
    console.log(
      wasJoined ? "this machine has left the mesh" : `this machine is in no mesh: ${dataDir} holds no identity`,
    );
    return status;
  };
}

/** Ends an agent that no unit runs, as Ctrl-C would. */
async function endAgent(runFolder: string): Promise<void> {
  const pid = runningAgent(runFolder);
  if (pid === undefined) return;
  console.error(`stopping the agent, process ${pid}`);
  try {
    process.kill(pid, "SIGTERM");
  } catch {
    return; // it ended in the meantime
  }
  const endMs = systemClock.monotonic() + endLimitMs;
  while (runningAgent(runFolder) === pid) {
    if (systemClock.monotonic() > endMs) throw cmdErrors.agentStays(`the agent, process ${pid}, does not end`);
    await pause(lookIntervalMs);
  }
}
