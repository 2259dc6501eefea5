// The flags that apply, create and delete share.
import { type Command, Option } from "commander";
import { addConnectionFlags, type ConnectionFlags } from "../api/connection-flags.ts";
import { durationFlag } from "../duration-flag.ts";
import { collect } from "../repeated-flag.ts";

export type DryRun = "none" | "client" | "server";

export interface FileFlags extends ConnectionFlags {
  filename?: string[];
  recursive?: boolean;
  namespace?: string;
  dryRun: DryRun;
}

export function addFileFlags(command: Command): Command {
  command
    .option("-f, --filename <path>", "file, folder, or - for standard input; may be repeated", collect)
    .option("-R, --recursive", "also read folders inside the folders")
    .option("-n, --namespace <namespace>", "namespace of objects that name none")
    .addOption(
      new Option("--dry-run <where>", "change nothing: 'client' checks here without a server, 'server' asks it")
        .choices(["none", "client", "server"])
        .preset("client")
        .default("none", "none"),
    );
  return addConnectionFlags(command);
}

/** Wait for the proxies unless told otherwise, milliseconds. */
export const defaultWaitMs = 2_000;

/** For commands that bring something to proxies. */
export function addWaitFlag(command: Command): Command {
  return command.addOption(
    new Option(
      "--wait <duration>",
      "after writing, wait so long for proxies to reject what the objects make; 0s for not at all",
    )
      .argParser(durationFlag(0, 30_000, "It must be a duration of at most 30s, such as 2s."))
      .default(defaultWaitMs, "2s"),
  );
}
