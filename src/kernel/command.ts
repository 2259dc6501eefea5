// Runs a program of the operating system. Arguments are a list, never a shell line.
import { spawn } from "node:child_process";
import { kernelErrors } from "./errors.ts";

export interface CommandResult {
  stdout: string;
  stderr: string;
}

/** At most this much of each output is kept, bytes. */
const outputLimit = 1 << 20;

/**
 * Runs a program to its end.
 *
 * @param options.input text for standard input, passed through a pipe
 * @throws LateenError LAT4001 where it cannot be started or its exit status is not 0
 */
export function runCommand(
  command: string,
  args: readonly string[],
  options: { input?: string; env?: Record<string, string>; signal?: AbortSignal } = {},
): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      stdio: ["pipe", "pipe", "pipe"],
      ...(options.env === undefined ? {} : { env: { ...process.env, ...options.env } }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    const output = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const) {
      child[name].setEncoding("utf8").on("data", (chunk: string) => {
        output[name] = (output[name] + chunk).slice(-outputLimit);
      });
    }
    child.stdin.on("error", () => {}); // a program that does not read its input closes the pipe
    child.stdin.end(options.input ?? "");
    child.on("error", (cause) => reject(kernelErrors.commandFailed(`${command} cannot be run`, { cause })));
    child.on("close", (code, signal) => {
      if (code === 0) resolve(output);
      else {
        const last = output.stderr.trim().split("\n").slice(-3).join("; ");
        reject(kernelErrors.commandFailed(`${command} ${args.join(" ")} ended with ${code ?? signal}: ${last}`));
      }
    });
  });
}
