// lateen agent: what the systemd unit of a joined machine runs.
import { Command } from "commander";
import { type AgentOptions, agentDataDir } from "../cli-deps.ts";
import type { Context } from "../context.ts";

export function agentCommand(context: Context): Command {
  return new Command("agent")
    .summary("run the agent of a machine that has joined")
    .description("Runs the agent of a machine that has joined. The systemd unit that 'lateen join' installs runs this.")
    .option("--data-dir <folder>", "where the agent keeps its identity and cache", agentDataDir)
    .option("--envoy <file>", "Envoy binary to run")
    .addHelpText("after", "\nExample:\n  lateen agent --data-dir /var/lib/lateen/agent")
    .action(async (flags: AgentOptions) => {
      const agent = await context.deps.actions.agent();
      context.status = await agent(flags);
    });
}
