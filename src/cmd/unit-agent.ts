// The agent that the systemd unit runs, asked over loopback.
import { setTimeout as pause } from "node:timers/promises";
import { istioPorts } from "../agent/agent-settings.ts";
import type { AgentStatus } from "../agent/agent-status.ts";
import { statusPath } from "../agent/status/status-routes.ts";
import type { Clock } from "../kernel/clock.ts";
import { cmdErrors } from "./errors.ts";
import { unitName } from "./systemd-unit.ts";

/** How often the agent is asked, milliseconds. */
const askIntervalMs = 100;
/** An answer of the agent itself takes milliseconds; then something else holds the port. */
const answerLimitMs = 5_000;
/** Envoy may have to be downloaded first, on a slow line, milliseconds. */
const readyLimitMs = 180_000;
/** How long a ready machine may take to learn the mesh's names, milliseconds. */
const namesLimitMs = 2_000;

/**
 * Waits until the agent of the unit says that the machine is ready.
 *
 * @param tell what the machine waits for, each time that changes
 * @returns undefined where `signal` ended the wait; the unit goes on
 * @throws LateenError LAT4304 where the machine is not ready within 3 minutes
 */
export async function waitForUnit(
  clock: Clock,
  signal: AbortSignal,
  tell: (obstacles: string) => void,
): Promise<AgentStatus | undefined> {
  const start = clock.monotonic();
  let told = "";
  let readySince: number | undefined;
  while (!signal.aborted) {
    const status = await askAgent();
    const now = clock.monotonic();
    if (status?.ready === true) {
      readySince ??= now;
      if (status.services !== undefined || now - readySince > namesLimitMs) return status;
    } else {
      const obstacles = status?.obstacles.join("; ") ?? "the agent does not answer yet";
      if (now - start > readyLimitMs) throw cmdErrors.unitNotReady(`the unit ${unitName} runs, but: ${obstacles}`);
      if (obstacles !== told) tell(obstacles);
      told = obstacles;
    }
    await pause(askIntervalMs);
  }
  return undefined;
}

async function askAgent(): Promise<AgentStatus | undefined> {
  try {
    const response = await fetch(`http://127.0.0.1:${istioPorts.agent}${statusPath}`, {
      signal: AbortSignal.timeout(answerLimitMs),
    });
    return response.status === 200 ? ((await response.json()) as AgentStatus) : undefined;
  } catch {
    return undefined; // not started yet, or between two starts
  }
}
