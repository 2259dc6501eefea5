// lateen completion: a script for a shell.
import { Argument, Command } from "commander";
import { completionScript, type Shell, shells } from "../completion/script.ts";
import type { Context } from "../context.ts";

export function completionCommand(context: Context): Command {
  return new Command("completion")
    .summary("print a completion script for a shell")
    .description("Prints a script that completes commands, flags, kinds and names of objects in a shell.")
    .addArgument(new Argument("<shell>", "which shell").choices(shells))
    .addHelpText(
      "after",
      `
Examples:
  source <(lateen completion bash)
  lateen completion zsh > "\${fpath[1]}/_lateen"
  lateen completion fish > ~/.config/fish/completions/lateen.fish`,
    )
    .action((shell: Shell) => context.terminal.print(completionScript(shell)));
}
