// lateen create: creates objects that do not exist yet.
import { Command } from "commander";
import { parseJson } from "../api/api-client.ts";
import { resourcePath } from "../api/resource-path.ts";
import type { Context } from "../context.ts";
import { addOutputFlag } from "../resource/output-flag.ts";
import { toSend, writeQuery } from "./apply.ts";
import { addFileFlags, addWaitFlag } from "./file-flags.ts";
import { type SendFlags, sendObjects } from "./send-objects.ts";

interface CreateFlags extends SendFlags {
  fieldManager: string;
}

export function createCommand(context: Context): Command {
  const command = new Command("create")
    .summary("create objects from files")
    .description(
      "Creates objects from files; one that exists already is refused. Everything is checked first, as by apply.",
    )
    .option("--strict", "treat warnings as errors")
    .option("--field-manager <name>", "name under which the server notes who wrote a field", "lateen");
  addOutputFlag(command, ["json", "yaml", "name"]);
  return addWaitFlag(addFileFlags(command))
    .addHelpText(
      "after",
      "\nExamples:\n  lateen create -f reviews.yaml\n  lateen create -f reviews.yaml --dry-run=server -o yaml",
    )
    .action(async (flags: CreateFlags) => {
      await sendObjects(
        context,
        flags,
        { clientDryRun: "created", past: "created" },
        async (session, kind, decoded) => {
          const answer = await session.client.send({
            method: "POST",
            path: resourcePath(kind, decoded.object.metadata.namespace || undefined),
            query: writeQuery(flags.dryRun, flags.fieldManager),
            body: { type: "application/json", text: JSON.stringify(toSend(decoded)) },
          });
          if (!answer.ok) return answer;
          return { ok: true, sent: { verb: "created", object: parseJson(answer.text, session.client.server) } };
        },
      );
    });
}
