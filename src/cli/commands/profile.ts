// lateen profile: CPU and heap profiles of the control plane, into a file that developer tools open.
import { Command, InvalidArgumentError } from "commander";
import { profilePath } from "../../contract/paths.ts";
import { addConnectionFlags, type ConnectionFlags } from "../api/connection-flags.ts";
import { downloadFile } from "../api/download-file.ts";
import { withSession } from "../api/session.ts";
import type { Context } from "../context.ts";
import { cliErrors } from "../errors.ts";

interface ProfileFlags extends ConnectionFlags {
  output: string;
  seconds: number;
}

interface HeapFlags extends ProfileFlags {
  snapshot?: boolean;
  includePrivateKeys?: boolean;
}

/** As the control plane takes it. */
const longestSeconds = 60;
const defaultSeconds = 30;
/** Beside the time of the profile itself, for the answer to begin, milliseconds. */
const answerMs = 60_000;
/** Making a snapshot of a large heap takes minutes, milliseconds. */
const snapshotMs = 600_000;

export function profileCommand(context: Context): Command {
  return new Command("profile")
    .summary("take a CPU or heap profile of the control plane")
    .description(
      "Takes a profile of the running control plane. Chromium's developer tools (Performance and Memory) and editors open the files.",
    )
    .addCommand(cpuCommand(context))
    .addCommand(heapCommand(context))
    .addHelpText(
      "after",
      "\nExamples:\n  lateen profile cpu -o cp.cpuprofile --seconds 10\n  lateen profile heap -o cp.heapprofile",
    );
}

function cpuCommand(context: Context): Command {
  return withFlags(
    new Command("cpu")
      .summary("what the control plane's time goes to")
      .description(
        "Records for some seconds what the control plane's time goes to. As it starts, the control plane stands still for about 0.1 s, with a heap of hundreds of megabytes for 0.3 s.",
      ),
  )
    .addHelpText("after", "\nExample:\n  lateen profile cpu -o cp.cpuprofile --seconds 10")
    .action((flags: ProfileFlags) => download(context, flags, profilePath("cpu", flags.seconds), flags.seconds));
}

function heapCommand(context: Context): Command {
  return withFlags(
    new Command("heap")
      .summary("what allocates the control plane's memory")
      .description(
        "Samples for some seconds what allocates memory that stays. With --snapshot instead: the whole heap at one moment. That snapshot holds the private keys of the certificate authority and every other secret of the control plane, which stands still for seconds while it is made and needs as much memory again; it is given on the control plane's own host only.",
      ),
  )
    .option("--snapshot", "take a snapshot of the whole heap instead; needs --include-private-keys")
    .option(
      "--include-private-keys",
      "confirm that the file will hold private keys, and that the control plane stops meanwhile",
    )
    .addHelpText(
      "after",
      `
Examples:
  lateen profile heap -o cp.heapprofile
  lateen profile heap --snapshot --include-private-keys -o cp.heapsnapshot`,
    )
    .action((flags: HeapFlags) => {
      if (flags.snapshot !== true && flags.includePrivateKeys !== true) {
        return download(context, flags, profilePath("heap", flags.seconds), flags.seconds);
      }
      if (flags.snapshot !== true || flags.includePrivateKeys !== true) {
        throw cliErrors.usage("--snapshot and --include-private-keys go together", {
          remedy:
            "A snapshot holds the certificate authority's private keys: keep it as you keep them, and delete it soon.",
        });
      }
      return download(context, flags, profilePath("snapshot"), undefined);
    });
}

function withFlags(command: Command): Command {
  command
    .requiredOption("-o, --output <file>", "file to write; an existing one is not touched")
    .option("--seconds <seconds>", "how long to record, 1 to 60", parseSeconds, defaultSeconds);
  return addConnectionFlags(command);
}

function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (!/^\d+$/.test(text) || seconds < 1 || seconds > longestSeconds) {
    throw new InvalidArgumentError(`Give whole seconds from 1 to ${longestSeconds}.`);
  }
  return seconds;
}

async function download(
  context: Context,
  flags: ProfileFlags,
  path: string,
  seconds: number | undefined,
): Promise<void> {
  await withSession(context, flags, async ({ client }) => {
    if (seconds !== undefined) context.terminal.note(`Recording for ${seconds} s …`);
    const timeoutMs = seconds === undefined ? snapshotMs : seconds * 1000 + answerMs;
    const bytes = await downloadFile(client, { path, timeoutMs }, flags.output, context.deps.signal);
    context.terminal.note(`Wrote ${bytes} bytes to ${flags.output}.`);
    if (seconds === undefined) {
      context.terminal.note("It holds private keys: show it to nobody, and delete it when you are done.");
    }
  });
}
