// The command line: finds the command, runs it, and turns what went wrong into a sentence and an exit status.
import { Command, CommanderError } from "commander";
import { nearestWord } from "../config/spelling.ts";
import { describeError, LateenError } from "../kernel/error.ts";
import { quoted } from "../kernel/quote.ts";
import type { CliDeps } from "./cli-deps.ts";
import { commandTable, findCommand } from "./command-table.ts";
import type { Context } from "./context.ts";
import { createTerminal } from "./terminal/terminal.ts";

/** Width that help is wrapped to, characters. */
const helpWidth = 110;
const usageCode = "LAT9001";

/**
 * Runs one command line.
 *
 * @param argv the words after the program's name
 * @returns the exit status: 0 done, 1 failed, 2 wrong usage. Never throws
 */
export async function runCli(argv: readonly string[], deps: CliDeps): Promise<number> {
  const context: Context = { deps, terminal: createTerminal(deps.stdout, deps.stderr, deps.clock), status: 0 };
  try {
    await dispatch(argv, context);
    return context.status;
  } catch (error) {
    return report(error, context);
  }
}

async function dispatch(argv: readonly string[], context: Context): Promise<void> {
  const words = commandFirst(argv);
  const [name, ...rest] = words;
  if (name === "__complete") {
    const { complete } = await import("./completion/complete.ts");
    for (const candidate of await complete(rest, context)) context.terminal.print(candidate);
    return;
  }
  if (name === "--version" || name === "-V") return dispatch(["version", "--client"], context);
  if (name === "help") return dispatch(rest.length === 0 ? ["--help"] : [...rest, "--help"], context);
  const entry = name === undefined ? undefined : findCommand(name);
  if (entry === undefined) {
    if (name === undefined || name === "--help" || name === "-h") {
      context.terminal.print(
        `${overview(context)}\n\nRun 'lateen COMMAND --help' for a command's flags and an example.`,
      );
      return;
    }
    unknownCommand(name, context);
    return;
  }
  const root = rootCommand(context);
  const command = await entry.load(context);
  inherit(command, root, `lateen ${entry.name}`);
  root.addCommand(command);
  await root.parseAsync([entry.name, ...rest], { from: "user" });
}

/** Flags that may stand before the command, as kubectl takes them, and whether a value follows. */
const leadingFlags: ReadonlyMap<string, boolean> = new Map([
  ["-n", true],
  ["--namespace", true],
  ["--kubeconfig", true],
  ["--data-dir", true],
  ["--context", true],
  ["--request-timeout", true],
  ["--insecure-skip-tls-verify", false],
]);

/** `-n shop get vs` → `get -n shop vs`. */
function commandFirst(argv: readonly string[]): readonly string[] {
  let at = 0;
  while (at < argv.length) {
    const word = argv[at] ?? "";
    const takesValue = leadingFlags.get(word.split("=")[0] ?? "");
    if (takesValue === undefined) break;
    at += takesValue && !word.includes("=") ? 2 : 1;
  }
  const [name, ...rest] = argv.slice(at);
  return name === undefined ? argv : [name, ...argv.slice(0, at), ...rest];
}

function rootCommand(context: Context): Command {
  return new Command("lateen")
    .description("A service mesh for virtual machines and bare metal: Istio's API, the real Envoy.")
    .usage("COMMAND [flags]")
    .helpOption("-h, --help", "show help")
    .helpCommand(false)
    .exitOverride()
    .showSuggestionAfterError(true)
    .configureOutput({
      writeOut: (text) => context.terminal.print(text.trimEnd()),
      writeErr: (text) => context.terminal.note(text.trimEnd()),
      outputError: (text, write) => write(text.replace(/^error: /, `error ${usageCode}: `)),
      getOutHelpWidth: () => helpWidth,
      getErrHelpWidth: () => helpWidth,
    });
}

/** Help of the program: its commands without their modules. */
function overview(context: Context): string {
  const root = rootCommand(context);
  for (const { name, aliases, summary, group } of commandTable) {
    root.addCommand(
      new Command(name)
        .aliases([...aliases])
        .usage(" ")
        .summary(summary)
        .helpGroup(`${group}:`),
    );
  }
  return root.helpInformation().trimEnd();
}

/** Gives the command and all below it the root's settings, and a last line for usage errors. */
function inherit(command: Command, parent: Command, path: string): void {
  command.copyInheritedSettings(parent);
  command.helpOption("-h, --help", "show help");
  command.helpCommand(false);
  command.showHelpAfterError(`Run '${path} --help' for its flags and an example.`);
  for (const child of command.commands) inherit(child, command, `${path} ${child.name()}`);
}

function unknownCommand(name: string, context: Context): void {
  const words = commandTable.flatMap((entry) => [entry.name, ...entry.aliases]);
  const nearest = nearestWord(name, words);
  const what = name.startsWith("-") ? "flag" : "command";
  context.terminal.note(`error ${usageCode}: unknown ${what} ${quoted(name)}`);
  context.terminal.note(
    `  ${nearest === undefined ? "Run 'lateen --help' for the commands." : `Did you mean ${nearest}?`}`,
  );
  context.status = 2;
}

function report(error: unknown, context: Context): number {
  // Commander has printed its message already.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof LateenError) {
    context.terminal.note(`error ${error.code}: ${error.message}`);
    context.terminal.note(`  ${error.remedy}`);
    return error.code === usageCode ? 2 : 1;
  }
  context.terminal.note(`error: ${describeError(error)}`);
  if (error instanceof Error && context.deps.env["LATEEN_DEBUG"] === "1") context.terminal.note(error.stack ?? "");
  else context.terminal.note("  This is a fault of lateen; LATEEN_DEBUG=1 shows where it happened.");
  return 1;
}
