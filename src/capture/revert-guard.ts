// A process of its own that takes rules back unless it is told not to: it works also when the agent is dead or stuck.
import { spawn } from "node:child_process";
import { captureErrors } from "./errors.ts";
import type { RuleStep } from "./rule-step.ts";

/** How a guard ended. `failed`: it fired, but the step did not work; `killed`: it could not finish. */
export type GuardEnd = "fired" | "cancelled" | "failed" | "killed";

export interface RevertGuard {
  readonly ended: Promise<GuardEnd>;
  /** Calls the guard off; tells how it ended, because it may have been faster. */
  cancel(): Promise<GuardEnd>;
}

/** Starts guards; tests replace it. */
export type GuardStarter = (step: RuleStep, afterMs: number) => Promise<RevertGuard>;

/**
 * Arguments: seconds, then the step's command; standard input: the step's input, read before anything else, so that
 * nothing has to exist when it is needed. A polite signal fires at once: a service manager that stops the agent's unit
 * signals every process of it. USR1 cancels.
 */
const script = `
exec 3>&1 >/dev/null 2>&1
seconds=$1; shift
rules=$(cat)
fire() {
  trap "" HUP INT TERM USR1
  kill -KILL "$sleeper"
  printf '%s\\n' "$rules" | "$@" && exit 0
  exit 1
}
trap 'kill -KILL "$sleeper"; exit 3' USR1
trap 'fire "$@"' HUP INT TERM
sleep "$seconds" </dev/null 3>&- &
sleeper=$!
echo armed >&3
exec 3>&-
wait "$sleeper"
fire "$@"
`;

/**
 * Starts a guard that runs `step` after `afterMs` (rounded up to whole seconds). Resolves once it is armed.
 *
 * @throws LateenError LAT4102 where it cannot be started
 */
export const startRevertGuard: GuardStarter = (step, afterMs) =>
  new Promise((resolve, reject) => {
    const seconds = String(Math.ceil(afterMs / 1000));
    const child = spawn("sh", ["-c", script, "sh", seconds, ...step.command], {
      detached: true, // not part of the agent's session: a closed terminal does not end it
      stdio: ["pipe", "pipe", "ignore"],
    });
    const ended = new Promise<GuardEnd>((end) => {
      child.on("exit", (code) => end(guardEnd(code)));
      child.on("error", () => end("killed"));
    });
    const fail = (cause?: unknown): void =>
      reject(
        captureErrors.notApplied("the process that would take the capture rules back could not be started", { cause }),
      );
    child.on("error", fail);
    child.on("exit", () => fail());
    child.stdin.on("error", () => {}); // its end is reported by "exit"
    child.stdin.end(step.input);
    child.stdout.once("data", () => {
      child.stdout.destroy();
      child.unref();
      resolve({
        ended,
        cancel: () => {
          child.ref();
          child.kill("SIGUSR1");
          return ended;
        },
      });
    });
  });

function guardEnd(code: number | null): GuardEnd {
  switch (code) {
    case 0:
      return "fired";
    case 1:
      return "failed";
    case 3:
      return "cancelled";
    default:
      return "killed";
  }
}
