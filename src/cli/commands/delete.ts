// lateen delete: by name, by label, or what files name.
import { Command } from "commander";
import { decodeYaml } from "../../config/decode/decode-yaml.ts";
import { refusal } from "../api/api-client.ts";
import { type ResourceKind, resourceLabel } from "../api/resource-kind.ts";
import { resourcePath } from "../api/resource-path.ts";
import { likelyNamespace, type Session, withSession } from "../api/session.ts";
import type { Context } from "../context.ts";
import { cliErrors } from "../errors.ts";
import { refuseProblems } from "../input/check-objects.ts";
import { readInput } from "../input/read-files.ts";
import { textOf, valueAt } from "../json-value.ts";
import { listObjects } from "../resource/list-objects.ts";
import { addOutputFlag } from "../resource/output-flag.ts";
import { readResourceArguments } from "../resource/resource-argument.ts";
import { addFileFlags, type FileFlags } from "./file-flags.ts";

interface DeleteFlags extends FileFlags {
  selector?: string;
  all?: boolean;
  allNamespaces?: boolean;
  ignoreNotFound?: boolean;
  output?: "name";
}

interface Target {
  kind: ResourceKind;
  namespace: string;
  name: string;
}

export function deleteCommand(context: Context): Command {
  const command = new Command("delete")
    .summary("delete objects")
    .description("Deletes objects: those named, those with labels, or those that files name.")
    .argument("[kind]", "kind, plural, short name or KIND/NAME")
    .argument("[names...]", "names of objects")
    .option("-l, --selector <labels>", "delete the objects with these labels")
    .option("--all", "delete all objects of the kind in the namespace")
    .option("-A, --all-namespaces", "with -l or --all: in all namespaces")
    .option("--ignore-not-found", "exit 0 where an object does not exist");
  addOutputFlag(command, ["name"]);
  return addFileFlags(command)
    .addHelpText(
      "after",
      `
Examples:
  lateen delete vs reviews -n shop
  lateen delete -f mesh/
  lateen delete workloadentries -l app=reviews -n shop`,
    )
    .action(async (kind: string | undefined, names: string[], flags: DeleteFlags) => {
      const words = kind === undefined ? [] : [kind, ...names];
      if (hasFiles(flags) && words.length > 0) throw cliErrors.usage("files and names cannot be combined");
      if (!hasFiles(flags) && words.length === 0) {
        throw cliErrors.usage("say what to delete", { remedy: "Name a kind and objects, or files with -f." });
      }
      if (flags.dryRun === "client" && hasFiles(flags)) await printFileTargets(context, flags);
      else await withSession(context, flags, (session) => run(context, session, words, flags));
    });
}

async function run(context: Context, session: Session, words: readonly string[], flags: DeleteFlags): Promise<void> {
  const targets = hasFiles(flags)
    ? await fileTargets(context, session.namespace, flags)
    : await namedTargets(session, words, flags);
  if (targets.length === 0) context.terminal.note("No resources found");
  const progress = context.terminal.progress("deleted", targets.length);
  try {
    for (const target of targets) {
      if (context.deps.signal.aborted) break;
      await deleteOne(context, session, target, flags, targets.length === 1);
      progress.step();
    }
  } finally {
    progress.end();
  }
}

function hasFiles({ filename = [] }: DeleteFlags): boolean {
  return filename.length > 0;
}

/** Only the envelope must be readable: what is broken must still be deletable. */
async function fileTargets(context: Context, namespace: string, flags: DeleteFlags): Promise<Target[]> {
  const texts = await readInput(flags.filename ?? [], flags.recursive === true, context.deps.readStdin);
  const decoded = texts.map(({ file, text }) => decodeYaml(text, { file, defaultNamespace: namespace }));
  refuseProblems(
    context.terminal,
    decoded.flatMap((each) => each.problems),
    false,
  );
  return decoded
    .flatMap((each) => each.objects)
    .map(({ kind, object }) => ({
      kind: {
        group: kind.group,
        version: object.apiVersion.split("/").at(-1) ?? "",
        kind: kind.kind,
        plural: kind.plural,
        singular: kind.singular,
        shortNames: kind.shortNames,
        namespaced: kind.scope === "Namespaced",
      },
      namespace: object.metadata.namespace,
      name: object.metadata.name,
    }));
}

async function printFileTargets(context: Context, flags: DeleteFlags): Promise<void> {
  for (const { kind, name } of await fileTargets(context, likelyNamespace(context, flags), flags)) {
    printDeleted(context, kind, name, flags);
  }
}

async function namedTargets(session: Session, words: readonly string[], flags: DeleteFlags): Promise<Target[]> {
  const wanted = readResourceArguments(words, await session.kinds());
  if (wanted.form === "objects") {
    if (flags.selector !== undefined || flags.all === true) {
      throw cliErrors.usage("names and -l or --all cannot be combined");
    }
    return wanted.objects.map(({ kind, name }) => ({ kind, namespace: session.namespace, name }));
  }
  if (flags.selector === undefined && flags.all !== true) {
    throw cliErrors.usage("say which objects to delete", { remedy: "Name them, or use -l LABELS or --all." });
  }
  if (words[0] === "all") throw cliErrors.usage("'all' cannot be deleted; name the kinds");
  const lists = await Promise.all(
    wanted.kinds.map(async (kind) => {
      const objects = await listObjects(session.client, kind, {
        namespace: flags.allNamespaces === true ? undefined : session.namespace,
        ...(flags.selector === undefined ? {} : { labelSelector: flags.selector }),
      });
      return objects.map((object) => ({
        kind,
        namespace: textOf(valueAt(object, "metadata", "namespace")),
        name: textOf(valueAt(object, "metadata", "name")),
      }));
    }),
  );
  return lists.flat();
}

async function deleteOne(
  context: Context,
  session: Session,
  { kind, namespace, name }: Target,
  flags: DeleteFlags,
  only: boolean,
): Promise<void> {
  if (flags.dryRun !== "client") {
    const answer = await session.client.send({
      method: "DELETE",
      path: resourcePath(kind, namespace || undefined, name),
      query: { dryRun: flags.dryRun === "server" ? "All" : undefined },
    });
    if (!answer.ok) {
      if (answer.status.code === 404 && flags.ignoreNotFound === true) return;
      const isFull = kind.kind === "Namespace" && answer.status.code === 409;
      const error = refusal(
        answer.status,
        isFull ? `Delete the objects in it first; lateen get all -n ${name} lists them.` : undefined,
      );
      if (only) throw error;
      context.terminal.note(`error ${error.code}: ${error.message}`);
      context.status = 1;
      return;
    }
  }
  printDeleted(context, kind, name, flags);
}

function printDeleted(context: Context, kind: ResourceKind, name: string, flags: DeleteFlags): void {
  if (flags.output === "name") {
    context.terminal.print(`${resourceLabel(kind)}/${name}`);
    return;
  }
  const note = { none: "", client: " (dry run)", server: " (server dry run)" }[flags.dryRun];
  context.terminal.print(`${resourceLabel(kind)} "${name}" deleted${note}`);
}
