// An Envoy that outlived its agent still holds the ports; the next agent ends it first.
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../../kernel/clock.ts";
import type { Log } from "../../kernel/log.ts";

/** Ends a process by id; Node's `process.kill`. */
export type SendSignal = (pid: number, signal: "SIGTERM" | "SIGKILL") => void;

const pidName = "envoy.pid";
/** How often the process is looked for, milliseconds: the end of a process that is no child has no event. */
const checkIntervalMs = 50;
/** How long it may take to end before it is killed, milliseconds. */
const endMs = 5_000;

export function rememberEnvoy(folder: string, pid: number): void {
  writeFileSync(join(folder, pidName), String(pid), { mode: 0o600 });
}

export function forgetEnvoy(folder: string): void {
  rmSync(join(folder, pidName), { force: true });
}

/**
 * Ends the Envoy that an earlier agent started with this bootstrap file, if it still runs. A process that only has its number is
 * left alone: its command line does not name the file.
 */
export async function endStaleEnvoy(
  folder: string,
  configPath: string,
  options: { clock: Clock; log: Log; send: SendSignal },
): Promise<void> {
  const { clock, log, send } = options;
  const pid = rememberedPid(folder);
  if (pid === undefined || !runsWith(pid, configPath)) return;
  log.warn("ending an Envoy that an earlier agent left behind", { pid });
  send(pid, "SIGTERM");
  const killAtMs = clock.monotonic() + endMs;
  let killed = false;
  while (runsWith(pid, configPath)) {
    if (!killed && clock.monotonic() >= killAtMs) {
      killed = true;
      send(pid, "SIGKILL");
    }
    await new Promise<void>((resolve) => clock.after(checkIntervalMs, resolve));
  }
}

function rememberedPid(folder: string): number | undefined {
  try {
    const text = readFileSync(join(folder, pidName), "utf8");
    return /^[1-9]\d{0,9}$/.test(text) ? Number(text) : undefined;
  } catch {
    return undefined;
  }
}

function runsWith(pid: number, configPath: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").includes(configPath);
  } catch {
    return false;
  }
}
