// A program that a test or the demo starts: its output by lines, its end as an event, its stop by pid.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

export interface ProgramOptions {
  env?: Record<string, string>;
  /** Text for standard input, which then ends. */
  input?: string;
  /** Leaves standard input open until `endInput`. */
  keepInput?: boolean;
  /** Called with each line of output, as it comes. */
  onLine?: (line: string) => void;
}

export interface Program {
  readonly pid: number;
  /** The last lines of both outputs, oldest first. */
  readonly lines: readonly string[];
  /** The status, once the program and its output have ended. */
  readonly ended: Promise<number | null>;
  /** The first line, past or to come, that matches; rejects with the last lines where the program ends before, or no line came in time. */
  line(pattern: RegExp): Promise<string>;
  /** Asks it and what it started to end, and waits; kills them after ten seconds. */
  stop(): Promise<void>;
  /** Signals the program and what it started. */
  kill(signal: NodeJS.Signals): void;
  /** Writes a line to standard input, where it was left open. */
  write(line: string): void;
  endInput(): void;
}

/** Lines kept of one program. */
const lineLimit = 2000;
const stopMs = 10_000;
/** A watchdog: longest wait for a line, milliseconds. */
const lineMs = 60_000;

/** Pids of the groups that run. */
const running = new Set<number>();

/** They would go on alone: a signal to this program's group does not reach theirs. */
process.once("exit", () => {
  for (const pid of running) signalGroup(pid, "SIGKILL");
});

export function startProgram(command: string, args: readonly string[], options: ProgramOptions = {}): Program {
  const child = spawn(command, args, {
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...process.env, ...options.env },
    // A group of its own: a wrapper such as `ip netns exec` and what it runs are stopped together.
    detached: true,
  });
  const { pid } = child;
  if (pid !== undefined) running.add(pid);
  child.stdin.on("error", () => {});
  if (options.keepInput !== true) child.stdin.end(options.input ?? "");
  const lines: string[] = [];
  const waiting = new Set<{ pattern: RegExp; found: (line: string) => void; failed: (error: Error) => void }>();
  for (const output of [child.stdout, child.stderr]) {
    createInterface({ input: output }).on("line", (line) => {
      lines.push(line);
      if (lines.length > lineLimit) lines.shift();
      options.onLine?.(line);
      for (const wait of [...waiting]) {
        if (!wait.pattern.test(line)) continue;
        waiting.delete(wait);
        wait.found(line);
      }
    });
  }
  const over = Promise.withResolvers<number | null>();
  let hasEnded = false;
  const failure = (what = "has ended"): Error =>
    new TypeError(`${command} ${args.join(" ")} ${what}:\n${lines.slice(-30).join("\n")}`);
  child.on("error", (error) => lines.push(error.message));
  child.on("close", (code) => {
    hasEnded = true;
    if (pid !== undefined) running.delete(pid);
    for (const { failed } of waiting) failed(failure());
    waiting.clear();
    over.resolve(code);
  });
  const kill = (signal: NodeJS.Signals): void => {
    if (!hasEnded && pid !== undefined) signalGroup(pid, signal);
  };
  return {
    pid: pid ?? 0,
    lines,
    ended: over.promise,
    kill,
    write: (line) => void child.stdin.write(`${line}\n`),
    endInput: () => child.stdin.end(),
    line: (pattern) => {
      const past = lines.find((line) => pattern.test(line));
      if (past !== undefined) return Promise.resolve(past);
      if (hasEnded) return Promise.reject(failure());
      return new Promise((found, failed) => {
        const late = (): void => failed(failure(`has written no line like ${pattern}`));
        const watchdog = setTimeout(late, lineMs);
        const unwatched = <T>(then: (value: T) => void) => {
          return (value: T): void => {
            clearTimeout(watchdog);
            then(value);
          };
        };
        waiting.add({ pattern, found: unwatched(found), failed: unwatched(failed) });
      });
    },
    stop: async () => {
      kill("SIGTERM");
      const timer = setTimeout(() => kill("SIGKILL"), stopMs);
      await over.promise;
      clearTimeout(timer);
    },
  };
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // it ended in the meantime
  }
}
