// lateen debug: a page of the control plane's /debug, as JSON. What istioctl's `experimental internal-debug` is to istiod.
import { Command } from "commander";
import { debugPath } from "../../contract/paths.ts";
import { refusal } from "../api/api-client.ts";
import { addConnectionFlags, type ConnectionFlags } from "../api/connection-flags.ts";
import { type Session, withSession } from "../api/session.ts";
import type { Context } from "../context.ts";
import { cliErrors } from "../errors.ts";
import { fieldsOf, listOf, textOf } from "../json-value.ts";
import { kubectlLayout, tableLines } from "../terminal/table.ts";

interface DebugFlags extends ConnectionFlags {
  list?: boolean;
}

export function debugCommand(context: Context): Command {
  const command = new Command("debug")
    .summary("show what the control plane sees, page by page")
    .description(
      "Prints a page of the control plane's /debug as JSON: connected proxies, pushes and their reasons, queues, stalls, caches, memory. Without a page, or with --list: which pages there are.",
    )
    .argument("[page]", "page, with path and query, such as pushes, proxies/web-1.shop or 'syncz?namespace=shop'")
    .option("--list", "list the pages");
  return addConnectionFlags(command)
    .addHelpText(
      "after",
      `
Examples:
  lateen debug --list
  lateen debug 'pushes?limit=5'
  lateen debug 'proxies/web-1.shop?resources=true'`,
    )
    .action(async (page: string | undefined, flags: DebugFlags) => {
      if (page !== undefined && flags.list === true) throw cliErrors.usage("a page and --list cannot be combined");
      await withSession(context, flags, (session) =>
        page === undefined ? listPages(context, session) : showPage(context, session, page),
      );
    });
}

async function listPages(context: Context, session: Session): Promise<void> {
  const pages = listOf(await session.client.json({ path: debugPath("") })).map(fieldsOf);
  const rows = pages.map((page) => [`${textOf(page["name"])}${textOf(page["usage"])}`, textOf(page["help"])]);
  for (const line of tableLines([["PAGE", "WHAT IT SHOWS"], ...rows], kubectlLayout)) context.terminal.print(line);
}

async function showPage(context: Context, session: Session, page: string): Promise<void> {
  if (/^pprof\b/.test(page)) {
    throw cliErrors.usage("profiles are files", { remedy: "Take one with lateen profile." });
  }
  const answer = await session.client.send({ path: debugPath(page) });
  if (!answer.ok) {
    throw refusal(answer.status, answer.status.code === 404 ? "lateen debug --list shows the pages." : undefined);
  }
  context.terminal.print(answer.text.trimEnd());
}
