// lateen token: join tokens. The token goes to standard output alone, so that a script can take it.
import { Command, InvalidArgumentError } from "commander";
import type { JoinTokenInfo, JoinTokenRequest, JoinTokenResponse } from "../../contract/join-token.ts";
import { apiPaths, tokenPath } from "../../contract/paths.ts";
import { quoted } from "../../kernel/quote.ts";
import { addConnectionFlags, type ConnectionFlags } from "../api/connection-flags.ts";
import { type Session, withSession } from "../api/session.ts";
import type { Context } from "../context.ts";
import { durationFlag } from "../duration-flag.ts";
import { cliErrors } from "../errors.ts";
import { addOutputFlag } from "../resource/output-flag.ts";
import { jsonText, yamlText } from "../terminal/structured.ts";
import { kubectlLayout, tableLines } from "../terminal/table.ts";

interface CreateFlags extends ConnectionFlags {
  group: string;
  namespace?: string;
  ttl?: number;
  uses?: number;
  output?: "json" | "yaml";
}

interface ListFlags extends ConnectionFlags {
  output?: "json" | "yaml";
}

/** Longest life of a token, milliseconds (contract: JoinTokenRequest). */
const longestTtlMs = 7 * 24 * 3_600_000;
/** Most joins a token is good for (contract: JoinTokenRequest). */
const mostUses = 10_000;

export function tokenCommand(context: Context): Command {
  return new Command("token")
    .summary("make, list and take back join tokens")
    .description("Makes, lists and takes back the tokens by which machines join.")
    .addCommand(createSubcommand(context))
    .addCommand(listSubcommand(context))
    .addCommand(deleteSubcommand(context))
    .addHelpText(
      "after",
      "\nExamples:\n  lateen token create --group shop/reviews\n  lateen token list\n  lateen token delete ID",
    );
}

function createSubcommand(context: Context): Command {
  const command = new Command("create")
    .summary("make a token")
    .description(
      "Makes a token by which machines join as members of a WorkloadGroup. It also pins the control plane's authority.",
    )
    .requiredOption("--group <ns/name>", "WorkloadGroup the machines join")
    .option("-n, --namespace <namespace>", "namespace of the group where --group has none")
    .option("--ttl <duration>", "how long it is good for, such as 30m or 24h (default: 1h)", parseTtl)
    .option("--uses <count>", "how many machines may join with it (default: 1)", parseUses);
  addOutputFlag(command, ["json", "yaml"]);
  return addConnectionFlags(command)
    .addHelpText(
      "after",
      `
Examples:
  # A token for one machine, for an hour
  lateen token create --group shop/reviews

  # A token for a fleet that starts today
  lateen token create --group shop/reviews --uses 200 --ttl 24h`,
    )
    .action(async (flags: CreateFlags) => {
      await withSession(context, flags, (session) => createToken(context, session, flags));
    });
}

async function createToken(context: Context, session: Session, flags: CreateFlags): Promise<void> {
  const request: JoinTokenRequest = {
    group: groupName(flags.group, session.namespace),
    ...(flags.ttl === undefined ? {} : { ttlSeconds: Math.round(flags.ttl / 1000) }),
    ...(flags.uses === undefined ? {} : { uses: flags.uses }),
  };
  const made = await session.client.json<JoinTokenResponse>({
    method: "POST",
    path: apiPaths.tokens,
    body: { type: "application/json", text: JSON.stringify(request) },
  });
  if (typeof made.token !== "string" || made.token === "") throw cliErrors.badAnswer("the answer holds no token");
  if (flags.output !== undefined) {
    context.terminal.print(flags.output === "json" ? jsonText(made) : yamlText(made));
    return;
  }
  context.terminal.print(made.token);
  const joins = made.uses === 1 ? "one machine" : `${made.uses} machines`;
  context.terminal.note(`Token ${made.id}: good for ${joins} of ${made.group} until ${made.expiresAt}.`);
  context.terminal.note(
    `Next, on the machine: lateen join ${made.joinUrl ?? `https://${joinHost(session)}:15012`} --token TOKEN`,
  );
}

/** Loopback is of no use to another machine. */
function joinHost(session: Session): string {
  const { hostname } = session.client.server;
  return /^(localhost|127\..*|\[::1\])$/.test(hostname) ? "CONTROL-PLANE" : hostname;
}

function groupName(text: string, namespace: string): string {
  const parts = text.split("/");
  const [first = "", second] = parts;
  if (parts.length > 2 || first === "" || second === "") {
    throw cliErrors.usage(`${quoted(text)} is not of the form NAMESPACE/NAME`);
  }
  return second === undefined ? `${namespace}/${first}` : text;
}

const parseTtl = durationFlag(1000, longestTtlMs, "Give 1s to 7d, such as 30m or 24h.");

function parseUses(text: string): number {
  const uses = Number(text);
  if (!/^\d+$/.test(text) || uses < 1 || uses > mostUses) {
    throw new InvalidArgumentError(`Give a number from 1 to ${mostUses}.`);
  }
  return uses;
}

function listSubcommand(context: Context): Command {
  const command = new Command("list")
    .summary("list tokens")
    .description("Lists the tokens that are still good. The tokens themselves are not kept and cannot be shown again.");
  addOutputFlag(command, ["json", "yaml"]);
  return addConnectionFlags(command)
    .addHelpText("after", "\nExample:\n  lateen token list")
    .action(async (flags: ListFlags) => {
      await withSession(context, flags, async ({ client }) => {
        const tokens = await client.json<JoinTokenInfo[]>({ path: apiPaths.tokens });
        if (flags.output !== undefined) {
          context.terminal.print(flags.output === "json" ? jsonText(tokens) : yamlText(tokens));
        } else if (tokens.length === 0) {
          context.terminal.note("No tokens found.");
        } else {
          const rows = tokens.map((token) => [
            token.id,
            token.group,
            String(token.usesLeft),
            token.createdAt,
            token.expiresAt,
          ]);
          for (const line of tableLines([["ID", "GROUP", "USES LEFT", "CREATED", "EXPIRES"], ...rows], kubectlLayout)) {
            context.terminal.print(line);
          }
        }
      });
    });
}

function deleteSubcommand(context: Context): Command {
  const command = new Command("delete")
    .summary("take tokens back")
    .description("Takes tokens back: nobody can join with them any more. Machines that joined before stay in the mesh.")
    .argument("<ids...>", "ids, as 'lateen token list' shows them");
  return addConnectionFlags(command)
    .addHelpText("after", "\nExample:\n  lateen token delete q3zk5x7w2a")
    .action(async (ids: string[], flags: ConnectionFlags) => {
      await withSession(context, flags, async ({ client }) => {
        for (const id of ids) {
          await client.json({ method: "DELETE", path: tokenPath(id) });
          context.terminal.print(`token "${id}" deleted`);
        }
      });
    });
}
