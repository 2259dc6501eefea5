// One program run that changes rules, complete in itself: it either does all of it or nothing.
import { runCommand } from "../kernel/command.ts";

export interface RuleStep {
  /** Program and arguments; it reads `input` from standard input. */
  readonly command: readonly string[];
  readonly input: string;
}

/**
 * Runs the step. The shell only copies: Node hands a child a socket pair, and nft opens `/dev/stdin` by name, which fails
 * on sockets. Nothing of the step is part of the shell's text.
 *
 * @throws LateenError LAT4001
 */
export async function runRuleStep(step: RuleStep): Promise<void> {
  await runCommand("sh", ["-c", 'cat | "$@"', "sh", ...step.command], { input: step.input });
}
