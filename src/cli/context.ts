// What every command works with.
import type { CliDeps } from "./cli-deps.ts";
import type { Terminal } from "./terminal/terminal.ts";

export interface Context {
  readonly deps: CliDeps;
  readonly terminal: Terminal;
  /** What the process will exit with: 0 done, 1 failed, 2 wrong usage. 0 until a command says otherwise. */
  status: number;
}
