// lateen describe: one object for a reader: what it is, what it says, how it fares.
import { Command } from "commander";
import { parseJson, refusal } from "../api/api-client.ts";
import { addConnectionFlags, type ConnectionFlags } from "../api/connection-flags.ts";
import type { ResourceKind } from "../api/resource-kind.ts";
import { resourcePath } from "../api/resource-path.ts";
import { type Session, withSession } from "../api/session.ts";
import type { Context } from "../context.ts";
import { textOf, valueAt } from "../json-value.ts";
import { describeObject } from "../resource/describe-object.ts";
import { listObjects } from "../resource/list-objects.ts";
import { readResourceArguments } from "../resource/resource-argument.ts";

interface DescribeFlags extends ConnectionFlags {
  namespace?: string;
  allNamespaces?: boolean;
  selector?: string;
}

export function describeCommand(context: Context): Command {
  const command = new Command("describe")
    .summary("show one object with its status and problems")
    .description(
      "Shows objects for a reader: metadata, spec, status conditions, problems, and fields that proxies do not act on.",
    )
    .argument("<kind>", "kind, plural, short name or KIND/NAME")
    .argument("[names...]", "names of objects; all where there are none")
    .option("-n, --namespace <namespace>", "namespace to look in")
    .option("-A, --all-namespaces", "look in all namespaces")
    .option("-l, --selector <labels>", "only objects with these labels");
  return addConnectionFlags(command)
    .addHelpText("after", "\nExamples:\n  lateen describe vs reviews -n shop\n  lateen describe se/ratings")
    .action(async (kind: string, names: string[], flags: DescribeFlags) => {
      await withSession(context, flags, (session) => run(context, session, [kind, ...names], flags));
    });
}

async function run(context: Context, session: Session, words: readonly string[], flags: DescribeFlags): Promise<void> {
  const wanted = readResourceArguments(words, await session.kinds());
  const found =
    wanted.form === "objects"
      ? await Promise.all(wanted.objects.map(({ kind, name }) => fetchOne(session, kind, name)))
      : (await Promise.all(wanted.kinds.map((kind) => fetchAll(session, kind, flags)))).flat();
  if (found.length === 0) context.terminal.note(`No resources found in ${session.namespace} namespace.`);
  for (const [index, object] of found.entries()) {
    if (index > 0) context.terminal.print("\n");
    for (const line of describeObject(object, context.deps.clock.now())) context.terminal.print(line);
  }
}

async function fetchOne(session: Session, kind: ResourceKind, name: string): Promise<unknown> {
  const answer = await session.client.send({ path: resourcePath(kind, session.namespace, name) });
  if (!answer.ok) throw refusal(answer.status);
  return parseJson(answer.text, session.client.server);
}

async function fetchAll(session: Session, kind: ResourceKind, flags: DescribeFlags): Promise<unknown[]> {
  const objects = await listObjects(session.client, kind, {
    namespace: flags.allNamespaces === true ? undefined : session.namespace,
    ...(flags.selector === undefined ? {} : { labelSelector: flags.selector }),
  });
  return objects.sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1));
}

function sortKey(object: unknown): string {
  return `${textOf(valueAt(object, "metadata", "namespace"))}/${textOf(valueAt(object, "metadata", "name"))}`;
}
