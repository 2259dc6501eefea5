// `-o`: how data is printed.
import { type Command, Option } from "commander";

/** Adds `-o/--output` with these formats. */
export function addOutputFlag(command: Command, formats: readonly string[], byDefault?: string): Command {
  const option = new Option("-o, --output <format>", "how to print").choices(formats);
  return command.addOption(byDefault === undefined ? option : option.default(byDefault));
}
