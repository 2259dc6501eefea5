// Runs a command line in the test's own process and keeps what it printed.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FakeClock } from "../kernel/clock.fake.ts";
import type { FakeApiServer } from "./api/api-server.fake.ts";
import type { CliActions, CliDeps } from "./cli-deps.ts";
import { runCli } from "./run-cli.ts";

export interface Ran {
  status: number;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  env?: Record<string, string>;
  stdin?: string;
  /** Its kubeconfig becomes LATEEN_KUBECONFIG. */
  server?: FakeApiServer;
  actions?: Partial<CliActions>;
  clock?: FakeClock;
  signal?: AbortSignal;
  /** Called at each write to standard output. */
  onOutput?(soFar: string): void;
}

/** Five minutes after the objects of FakeApiServer were made. */
export const testNowMs = Date.UTC(2026, 0, 1, 0, 5);

export async function run(argv: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const ran: Ran = { status: -1, stdout: "", stderr: "" };
  const folder = options.server === undefined ? undefined : mkdtempSync(join(tmpdir(), "lateen-cli-"));
  const kubeconfig = folder === undefined ? undefined : join(folder, "kubeconfig");
  if (kubeconfig !== undefined) writeFileSync(kubeconfig, options.server?.kubeconfig ?? "");
  const notCalled = async (): Promise<never> => {
    throw new TypeError("the test did not expect this action");
  };
  const deps: CliDeps = {
    stdout: {
      write(text) {
        ran.stdout += text;
        options.onOutput?.(ran.stdout);
      },
    },
    stderr: {
      write(text) {
        ran.stderr += text;
      },
    },
    env: { ...(kubeconfig === undefined ? {} : { LATEEN_KUBECONFIG: kubeconfig }), ...options.env },
    readStdin: async () => options.stdin ?? "",
    clock: options.clock ?? new FakeClock(testNowMs),
    signal: options.signal ?? new AbortController().signal,
    version: "1.2.3",
    actions: { up: notCalled, join: notCalled, agent: notCalled, leave: notCalled, ...options.actions },
  };
  try {
    ran.status = await runCli(argv, deps);
  } finally {
    if (folder !== undefined) rmSync(folder, { recursive: true });
  }
  return ran;
}
