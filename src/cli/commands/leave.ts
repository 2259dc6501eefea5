// lateen leave: takes the machine out of the mesh.
import { Command } from "commander";
import { agentDataDir, type LeaveOptions } from "../cli-deps.ts";
import type { Context } from "../context.ts";

export function leaveCommand(context: Context): Command {
  return new Command("leave")
    .summary("take this machine out of the mesh")
    .description(
      "Takes this machine out of the mesh: stops the agent and Envoy, removes the capture of traffic, and forgets the identity.",
    )
    .option("--data-dir <folder>", "where the agent keeps its identity and cache", agentDataDir)
    .addHelpText("after", "\nExample:\n  lateen leave")
    .action(async (flags: LeaveOptions) => {
      const leave = await context.deps.actions.leave();
      context.status = await leave(flags);
    });
}
