// The program `lateen`: hands the command line what the process has, and its long-running commands their implementations.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { CliActions } from "../cli/cli-deps.ts";
import { runCli } from "../cli/run-cli.ts";
import { systemClock } from "../kernel/clock.ts";
import { kernelErrors } from "../kernel/errors.ts";

const manifest = JSON.parse(readFileSync(join(import.meta.dirname, "../../package.json"), "utf8")) as {
  version: string;
};

const interrupted = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => interrupted.abort());

// Each implementation is imported when its command is run: `lateen get` must not load a control plane.
const context = { version: manifest.version, signal: interrupted.signal, env: process.env };
const actions: CliActions = {
  up: async () => (await import("./control.ts")).controlPlane(context),
  join: async () => (await import("./agent.ts")).joinMachine(context),
  agent: async () => (await import("./agent.ts")).runMachine(context),
  leave: async () => (await import("./leave.ts")).leaveMachine(context),
};

// The reader went away (`lateen get … | head -1`): there is nobody left to print for.
process.stdout.on("error", () => process.exit(1));

/** Characters taken from standard input; the limit of files. */
const stdinLimit = 64 << 20;

async function readStdin(): Promise<string> {
  let text = "";
  for await (const chunk of process.stdin.setEncoding("utf8")) {
    text += chunk as string;
    if (text.length > stdinLimit)
      throw kernelErrors.inputTooLong(`standard input is longer than ${stdinLimit} characters`);
  }
  return text;
}

process.exitCode = await runCli(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  readStdin,
  clock: systemClock,
  signal: interrupted.signal,
  version: manifest.version,
  actions,
});
