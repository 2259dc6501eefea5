// lateen get: objects as a table, JSON, YAML or names; once or as they change.
import { Command } from "commander";
import { parseJson, refusal } from "../api/api-client.ts";
import { addConnectionFlags, type ConnectionFlags } from "../api/connection-flags.ts";
import { type ResourceKind, resourceLabel } from "../api/resource-kind.ts";
import { resourcePath } from "../api/resource-path.ts";
import { type Session, withSession } from "../api/session.ts";
import type { Context } from "../context.ts";
import { cliErrors } from "../errors.ts";
import { listObjects, listPages } from "../resource/list-objects.ts";
import { acceptTable, type ObjectTable, readTable, type TableFlags, tableCells } from "../resource/object-table.ts";
import { addOutputFlag } from "../resource/output-flag.ts";
import { asList, objectName, structuredText, withoutManagedFields } from "../resource/output-format.ts";
import { readResourceArguments, type Wanted, type WantedObject } from "../resource/resource-argument.ts";
import { kubectlLayout, tableLines } from "../terminal/table.ts";

interface GetFlags extends ConnectionFlags {
  namespace?: string;
  allNamespaces?: boolean;
  selector?: string;
  fieldSelector?: string;
  output?: "json" | "yaml" | "wide" | "name";
  watch?: boolean;
  ignoreNotFound?: boolean;
  headers: boolean;
  showLabels?: boolean;
  showManagedFields?: boolean;
}

export function getCommand(context: Context): Command {
  const command = new Command("get")
    .summary("show objects")
    .description("Shows objects of one or several kinds. 'all' stands for every kind.")
    .argument("<kind>", "kind, plural, short name, KIND/NAME, or several with commas")
    .argument("[names...]", "names of objects; all where there are none")
    .option("-n, --namespace <namespace>", "namespace to look in")
    .option("-A, --all-namespaces", "look in all namespaces")
    .option("-l, --selector <labels>", "only objects with these labels, such as app=web,env!=test")
    .option("--field-selector <fields>", "only objects with these fields, such as metadata.name=web")
    .option("-w, --watch", "go on printing as objects change, until interrupted")
    .option("--ignore-not-found", "exit 0 where a named object does not exist")
    .option("--no-headers", "print no headings")
    .option("--show-labels", "print labels in a last column")
    .option("--show-managed-fields", "keep metadata.managedFields in JSON and YAML");
  addOutputFlag(command, ["json", "yaml", "wide", "name"]);
  return addConnectionFlags(command)
    .addHelpText(
      "after",
      `
Examples:
  # All virtual services of a namespace
  lateen get virtualservices -n shop

  # One object, as it could be applied again
  lateen get vs reviews -n shop -o yaml

  # Service entries of all namespaces, as they change
  lateen get se -A -w`,
    )
    .action(async (kind: string, names: string[], flags: GetFlags) => {
      await withSession(context, flags, (session) => runGet(context, session, [kind, ...names], flags));
    });
}

async function runGet(context: Context, session: Session, words: string[], flags: GetFlags): Promise<void> {
  const wanted = readResourceArguments(words, await session.kinds());
  if (wanted.form === "objects" && (flags.selector !== undefined || flags.fieldSelector !== undefined)) {
    throw cliErrors.usage("names and selectors cannot be combined");
  }
  if (wanted.form === "objects" && flags.allNamespaces === true) {
    throw cliErrors.usage("an object cannot be named across all namespaces", { remedy: "Name its namespace with -n." });
  }
  if (flags.watch === true) {
    const { watchObjects } = await import("../resource/watch-objects.ts");
    const { kind, name } = onlyOne(wanted);
    await watchObjects(context, session, kind, {
      ...flags,
      namespace: flags.allNamespaces === true ? undefined : session.namespace,
      name,
      table: tableFlags(flags, ""),
    });
  } else if (flags.output === "json" || flags.output === "yaml" || flags.output === "name") {
    await printObjects(context, session, wanted, flags, flags.output);
  } else {
    await printTables(context, session, wanted, flags);
  }
}

function onlyOne(wanted: Wanted): { kind: ResourceKind; name: string | undefined } {
  const items: readonly { kind: ResourceKind; name: string | undefined }[] =
    wanted.form === "objects" ? wanted.objects : wanted.kinds.map((kind) => ({ kind, name: undefined }));
  const [first, second] = items;
  if (first === undefined || second !== undefined) {
    throw cliErrors.usage("one kind, or one object, can be watched at a time");
  }
  return first;
}

async function printObjects(
  context: Context,
  session: Session,
  wanted: Wanted,
  flags: GetFlags,
  format: "json" | "yaml" | "name",
): Promise<void> {
  const groups =
    wanted.form === "kinds"
      ? await Promise.all(
          wanted.kinds.map(async (kind) => ({
            kind,
            objects: await listObjects(session.client, kind, listQuery(session, flags)),
          })),
        )
      : (await fetchEach(context, session, wanted.objects, flags, "application/json")).map(({ kind, value }) => ({
          kind,
          objects: [value],
        }));
  if (format === "name") {
    for (const { kind, objects } of groups) {
      for (const object of objects) context.terminal.print(`${resourceLabel(kind)}/${objectName(object)}`);
    }
    return;
  }
  const objects = groups
    .flatMap((group) => group.objects)
    .map((each) => (flags.showManagedFields === true ? each : withoutManagedFields(each)));
  const single = wanted.form === "objects" && wanted.objects.length === 1;
  if (single && objects.length === 0) return;
  context.terminal.print(structuredText(format, asList(objects, single)));
}

async function printTables(context: Context, session: Session, wanted: Wanted, flags: GetFlags): Promise<void> {
  const tables = await fetchTables(context, session, wanted, flags);
  const filled = tables.filter(({ table }) => table.rows.length > 0);
  if (filled.length === 0) {
    if (wanted.form === "kinds" && flags.ignoreNotFound !== true) {
      const place = flags.allNamespaces === true || wanted.kinds.every((kind) => !kind.namespaced);
      context.terminal.note(place ? "No resources found" : `No resources found in ${session.namespace} namespace.`);
    }
    return;
  }
  for (const [index, { kind, table }] of filled.entries()) {
    if (index > 0) context.terminal.print("");
    const prefix = filled.length > 1 ? `${resourceLabel(kind)}/` : "";
    const cells = tableCells(table, tableFlags(flags, prefix, kind));
    for (const line of tableLines(cells, kubectlLayout)) context.terminal.print(line);
  }
}

interface KindTable {
  kind: ResourceKind;
  table: ObjectTable;
}

async function fetchTables(context: Context, session: Session, wanted: Wanted, flags: GetFlags): Promise<KindTable[]> {
  const nowMs = context.deps.clock.now();
  if (wanted.form === "kinds") {
    return Promise.all(
      wanted.kinds.map(async (kind) => {
        const pages = await listPages(session.client, kind, { ...listQuery(session, flags), accept: acceptTable });
        return { kind, table: joinPages(pages.map((page) => readTable(page, nowMs))) };
      }),
    );
  }
  const byKind = new Map<ResourceKind, ObjectTable[]>();
  for (const { kind, value } of await fetchEach(context, session, wanted.objects, flags, acceptTable)) {
    byKind.set(kind, [...(byKind.get(kind) ?? []), readTable(value, nowMs)]);
  }
  return [...byKind].map(([kind, tables]) => ({ kind, table: joinPages(tables) }));
}

function joinPages(pages: readonly ObjectTable[]): ObjectTable {
  const first = pages[0] ?? { columns: [], rows: [], resourceVersion: "", continue: "" };
  return { ...first, rows: pages.flatMap((page) => page.rows) };
}

function listQuery(session: Session, flags: GetFlags) {
  return {
    namespace: flags.allNamespaces === true ? undefined : session.namespace,
    ...(flags.selector === undefined ? {} : { labelSelector: flags.selector }),
    ...(flags.fieldSelector === undefined ? {} : { fieldSelector: flags.fieldSelector }),
  };
}

interface FetchedObject {
  kind: ResourceKind;
  value: unknown;
}

/** One missing object of several does not hide the others: it is noted, and the status is 1. */
async function fetchEach(
  context: Context,
  session: Session,
  objects: readonly WantedObject[],
  flags: GetFlags,
  accept: string,
): Promise<FetchedObject[]> {
  const found: FetchedObject[] = [];
  for (const { kind, name } of objects) {
    const answer = await session.client.send({ path: resourcePath(kind, session.namespace, name), accept });
    if (answer.ok) {
      found.push({ kind, value: parseJson(answer.text, session.client.server) });
    } else if (answer.status.code !== 404 || objects.length === 1) {
      if (answer.status.code !== 404 || flags.ignoreNotFound !== true) throw refusal(answer.status);
    } else if (flags.ignoreNotFound !== true) {
      const error = refusal(answer.status);
      context.terminal.note(`error ${error.code}: ${error.message}`);
      context.status = 1;
    }
  }
  return found;
}

function tableFlags(flags: GetFlags, prefix: string, kind?: ResourceKind): TableFlags {
  return {
    wide: flags.output === "wide",
    allNamespaces: flags.allNamespaces === true && kind?.namespaced !== false,
    showLabels: flags.showLabels === true,
    noHeaders: !flags.headers,
    prefix,
  };
}
