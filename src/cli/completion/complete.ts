// What a shell may put in at the cursor: commands, flags, values, kinds, and names that the server knows.
import type { Command, Option } from "commander";
import { commandTable, findCommand } from "../command-table.ts";
import type { Context } from "../context.ts";
import { namesFromServer, type ServerNames } from "./server-names.ts";

/** Candidates that a shell is given. */
const candidateLimit = 1_000;

/**
 * Candidates for the last word, which may be empty or begun. None means that the shell should offer files.
 *
 * @param words the command line without the program's name, up to the cursor
 */
export async function complete(words: readonly string[], context: Context): Promise<string[]> {
  const all = joinAssignments(words);
  const partial = all.at(-1) ?? "";
  const candidates = await candidatesFor(all.slice(0, -1), partial, context);
  return [...new Set(candidates)].filter((candidate) => candidate.startsWith(partial)).slice(0, candidateLimit);
}

/** bash cuts words at `=`: `--namespace = sh` is `--namespace sh`. */
function joinAssignments(words: readonly string[]): string[] {
  const joined = words.filter((word) => word !== "=");
  return words.at(-1) === "=" ? [...joined, ""] : joined;
}

async function candidatesFor(before: readonly string[], partial: string, context: Context): Promise<string[]> {
  const [name, ...rest] = before;
  if (name === undefined) {
    return partial.startsWith("-") ? ["--help", "--version"] : commandTable.map((entry) => entry.name).concat("help");
  }
  if (name === "help" && rest.length === 0) return commandTable.map((entry) => entry.name);
  const entry = findCommand(name);
  if (entry === undefined) return [];
  const { command, operands, open, flags } = walk(await entry.load(context), rest);
  if (open !== undefined) return valuesOf(open, flags, context);
  if (partial.startsWith("-")) return flagsOf(command);
  if (command.commands.length > 0) return command.commands.map((child) => child.name());
  return operandsOf(`${entry.name}`, operands, flags, context);
}

interface Position {
  /** The innermost subcommand. */
  command: Command;
  operands: string[];
  /** A flag whose value comes next. */
  open: Option | undefined;
  /** Values of flags given so far, by long name. */
  flags: ReadonlyMap<string, string>;
}

function walk(root: Command, words: readonly string[]): Position {
  let command = root;
  let open: Option | undefined;
  const operands: string[] = [];
  const flags = new Map<string, string>();
  for (const word of words) {
    if (open !== undefined) {
      flags.set(open.long ?? "", word);
      open = undefined;
    } else if (word.startsWith("-") && word !== "-") {
      const [flag = "", value] = word.split("=", 2);
      const option = command.options.find((each) => each.long === flag || each.short === flag);
      if (value !== undefined) flags.set(flag, value);
      else if (option?.required === true) open = option;
    } else {
      const child = operands.length === 0 ? command.commands.find((each) => matches(each, word)) : undefined;
      if (child === undefined) operands.push(word);
      else command = child;
    }
  }
  return { command, operands, open, flags };
}

function matches(command: Command, word: string): boolean {
  return command.name() === word || command.aliases().includes(word);
}

function flagsOf(command: Command): string[] {
  return ["--help", ...command.options.flatMap((option) => (option.long === undefined ? [] : [option.long]))];
}

async function valuesOf(option: Option, flags: ReadonlyMap<string, string>, context: Context): Promise<string[]> {
  if (option.argChoices !== undefined) return [...option.argChoices];
  if (option.long === "--namespace") return fromServer(context, flags, { names: "namespaces" });
  if (option.long === "--group") return fromServer(context, flags, { names: "groups" });
  return [];
}

async function operandsOf(
  command: string,
  operands: readonly string[],
  flags: ReadonlyMap<string, string>,
  context: Context,
): Promise<string[]> {
  switch (command) {
    case "get":
    case "describe":
    case "delete":
      return operands[0] === undefined
        ? kindWords()
        : fromServer(context, flags, { names: "objects", kind: operands[0] });
    case "explain":
      return operands.length === 0 ? [...(await kindWords()), "MeshConfig"] : [];
    case "proxy-status":
    case "proxy-config":
      return operands.length === 0 ? fromServer(context, flags, { names: "proxies" }) : [];
    case "debug":
      return operands.length === 0 ? fromServer(context, flags, { names: "pages" }) : [];
    case "completion":
      return operands.length === 0 ? ["bash", "zsh", "fish"] : [];
    default:
      return [];
  }
}

async function kindWords(): Promise<string[]> {
  const { kinds } = await import("../../config/kinds.ts");
  return kinds.flatMap((kind) => [kind.plural, ...kind.shortNames]);
}

function fromServer(context: Context, flags: ReadonlyMap<string, string>, wanted: ServerNames): Promise<string[]> {
  return namesFromServer(context, flags, wanted);
}
