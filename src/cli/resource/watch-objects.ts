// lateen get --watch: the list, then each change as it happens.
import { parseJson, refusal } from "../api/api-client.ts";
import { readStatus } from "../api/api-status.ts";
import { type ResourceKind, resourceLabel } from "../api/resource-kind.ts";
import { resourcePath } from "../api/resource-path.ts";
import type { Session } from "../api/session.ts";
import type { Context } from "../context.ts";
import { cliErrors } from "../errors.ts";
import { fieldsOf, listOf, textOf, valueAt } from "../json-value.ts";
import { jsonText, yamlText } from "../terminal/structured.ts";
import { kubectlLayout, tableLines } from "../terminal/table.ts";
import { acceptTable, readTable, type TableFlags, tableCells } from "./object-table.ts";
import { objectName, withoutManagedFields } from "./output-format.ts";

export interface WatchFlags {
  /** Undefined: all namespaces. */
  namespace: string | undefined;
  /** Undefined: the whole collection. */
  name: string | undefined;
  selector?: string;
  fieldSelector?: string;
  output?: "json" | "yaml" | "wide" | "name";
  showManagedFields?: boolean;
  table: TableFlags;
}

/**
 * Prints until the person interrupts or the server goes away. A watch that the server ends is taken up where it
 * stopped; one that is too far behind starts over with a list.
 *
 * @throws LateenError LAT9004 … LAT9008
 */
export async function watchObjects(
  context: Context,
  session: Session,
  kind: ResourceKind,
  flags: WatchFlags,
): Promise<void> {
  const { signal } = context.deps;
  const printer = createPrinter(context, kind, flags);
  let version: string | undefined;
  while (!signal.aborted) {
    if (version === undefined) {
      const list = await session.client.json<unknown>({ path: resourcePath(kind, flags.namespace), ...query(flags) });
      printer.list(list);
      version = textOf(valueAt(list, "metadata", "resourceVersion"));
    }
    version = await follow(context, session, kind, flags, printer, version);
  }
}

interface Printer {
  list(value: unknown): void;
  object(value: unknown): void;
}

function query(flags: WatchFlags, more: Readonly<Record<string, string>> = {}) {
  const byName = flags.name === undefined ? undefined : `metadata.name=${flags.name}`;
  const fieldSelector = [byName, flags.fieldSelector].filter((part) => part !== undefined).join(",");
  return {
    accept: isStructured(flags) ? "application/json" : acceptTable,
    query: { labelSelector: flags.selector, fieldSelector: fieldSelector === "" ? undefined : fieldSelector, ...more },
  };
}

/** Reads one watch to its end; returns where to go on, or undefined to start over. */
async function follow(
  context: Context,
  session: Session,
  kind: ResourceKind,
  flags: WatchFlags,
  printer: Printer,
  from: string,
): Promise<string | undefined> {
  let version: string | undefined = from;
  let events = 0;
  const startedAt = context.deps.clock.monotonic();
  const asked = query(flags, { watch: "1", allowWatchBookmarks: "true", resourceVersion: from });
  await session.client.stream(
    { path: resourcePath(kind, flags.namespace), ...asked },
    (line) => {
      events += 1;
      const event = fieldsOf(parseJson(line, session.client.server));
      if (event["type"] === "ERROR") {
        const status = readStatus(500, JSON.stringify(event["object"]));
        if (valueAt(event["object"], "code") !== 410) throw refusal(status);
        version = undefined;
        return;
      }
      if (version !== undefined) version = versionOf(event["object"]) || version;
      if (event["type"] !== "BOOKMARK") printer.object(event["object"]);
    },
    context.deps.signal,
  );
  if (!context.deps.signal.aborted && events === 0 && context.deps.clock.monotonic() - startedAt < shortestWatchMs) {
    // A control plane that stops ends its watches first; asked again, it says better what is the matter.
    await session.client.json<unknown>({ path: resourcePath(kind, flags.namespace), query: { limit: "1" } });
    throw cliErrors.unreachable(`${session.client.server.origin} ends watches at once`, {
      remedy: "It may be stopping, or a proxy in front of it may cut long answers; try again in a moment.",
    });
  }
  return version;
}

/** A watch that ends sooner without an event would be asked for again in a tight loop, milliseconds. */
const shortestWatchMs = 1_000;

/** Of an object, or of the row of a Table. */
function versionOf(object: unknown): string {
  const row = fieldsOf(listOf(fieldsOf(object)["rows"])[0]);
  return textOf(valueAt(row["object"] ?? object, "metadata", "resourceVersion"));
}

function isStructured(flags: WatchFlags): boolean {
  return flags.output === "json" || flags.output === "yaml" || flags.output === "name";
}

function createPrinter(context: Context, kind: ResourceKind, flags: WatchFlags): Printer {
  const { print } = context.terminal;
  if (isStructured(flags)) {
    const object = (value: unknown): void => {
      if (flags.output === "name") print(`${resourceLabel(kind)}/${objectName(value)}`);
      else {
        const shown = flags.showManagedFields === true ? value : withoutManagedFields(value);
        print(flags.output === "json" ? jsonText(shown) : `---\n${yamlText(shown)}`);
      }
    };
    return {
      list: (value) => {
        const apiVersion = kind.group === "" ? kind.version : `${kind.group}/${kind.version}`;
        for (const item of listOf(fieldsOf(value)["items"])) object({ apiVersion, kind: kind.kind, ...fieldsOf(item) });
      },
      object,
    };
  }
  const widths: number[] = [];
  let headed = flags.table.noHeaders;
  let columns: ReturnType<typeof readTable>["columns"] = [];
  const object = (value: unknown): void => {
    const table = readTable(value, context.deps.clock.now());
    // Kubernetes leaves the columns out of all events but the first.
    if (table.columns.length > 0) columns = table.columns;
    if (table.rows.length === 0) return;
    const cells = tableCells({ columns, rows: table.rows }, { ...flags.table, noHeaders: headed });
    headed = true;
    for (const line of tableLines(cells, kubectlLayout, widths)) print(line);
  };
  return { list: object, object };
}
