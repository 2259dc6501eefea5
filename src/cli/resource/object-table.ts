// Rows of objects: the server's Table (meta.k8s.io/v1), or one made here where the server sends plain objects.
import type { Fields } from "../../kernel/fields.ts";
import { fieldsOf, listOf, numberOf, textOf, valueAt } from "../json-value.ts";
import { ageOf } from "../terminal/age.ts";

export interface ObjectRow {
  name: string;
  namespace: string;
  labels: Fields;
  /** One text per column. */
  cells: readonly string[];
}

export interface ObjectTable {
  columns: readonly ObjectColumn[];
  rows: readonly ObjectRow[];
  resourceVersion: string;
  /** Token for the next page; empty at the last one. */
  continue: string;
}

export interface ObjectColumn {
  name: string;
  /** Shown only with `-o wide`. */
  wide: boolean;
}

/** Asks for a Table; servers that make none send the objects. */
export const acceptTable = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

/** Reads a Table, a list or one object. */
export function readTable(value: unknown, nowMs: number): ObjectTable {
  const fields = fieldsOf(value);
  const meta = fieldsOf(fields["metadata"]);
  const page = { resourceVersion: textOf(meta["resourceVersion"]), continue: textOf(meta["continue"]) };
  if (fields["kind"] === "Table") {
    const columns = listOf(fields["columnDefinitions"])
      .map(fieldsOf)
      .map((column) => ({ name: textOf(column["name"]), wide: (numberOf(column["priority"]) ?? 0) > 0 }));
    const rows = listOf(fields["rows"]).map((row) =>
      readRow(fieldsOf(row)["object"], listOf(fieldsOf(row)["cells"]).map(cellText)),
    );
    return { columns, rows, ...page };
  }
  const items = Array.isArray(fields["items"]) ? (fields["items"] as unknown[]) : [value];
  const rows = items.map((item) =>
    readRow(item, [
      textOf(valueAt(item, "metadata", "name")),
      ageOf(textOf(valueAt(item, "metadata", "creationTimestamp")), nowMs),
    ]),
  );
  return {
    columns: [
      { name: "Name", wide: false },
      { name: "Age", wide: false },
    ],
    rows,
    ...page,
  };
}

function readRow(object: unknown, cells: readonly string[]): ObjectRow {
  const meta = fieldsOf(valueAt(object, "metadata"));
  return {
    name: textOf(meta["name"]),
    namespace: textOf(meta["namespace"]),
    labels: fieldsOf(meta["labels"]),
    cells,
  };
}

function cellText(cell: unknown): string {
  if (cell === null || cell === undefined) return "";
  return typeof cell === "object" ? JSON.stringify(cell) : String(cell);
}

export interface TableFlags {
  wide: boolean;
  allNamespaces: boolean;
  showLabels: boolean;
  noHeaders: boolean;
  /** `virtualservice.networking.istio.io/` before names, where several kinds are printed. */
  prefix: string;
}

/** The heading, if asked for, and one line of cells per row. */
export function tableCells(table: Pick<ObjectTable, "columns" | "rows">, flags: TableFlags): string[][] {
  const shown = [...table.columns.keys()].filter((index) => flags.wide || table.columns[index]?.wide !== true);
  const heading = [
    ...(flags.allNamespaces ? ["NAMESPACE"] : []),
    ...shown.map((index) => (table.columns[index]?.name ?? "").toUpperCase()),
    ...(flags.showLabels ? ["LABELS"] : []),
  ];
  const rows = table.rows.map((row) => [
    ...(flags.allNamespaces ? [row.namespace] : []),
    ...shown.map((index) => (index === 0 ? flags.prefix : "") + (row.cells[index] ?? "")),
    ...(flags.showLabels ? [labelsText(row.labels)] : []),
  ]);
  return flags.noHeaders ? rows : [heading, ...rows];
}

/** `app=reviews,version=v1`; `<none>` where there are none. */
export function labelsText(labels: Fields): string {
  const pairs = Object.entries(labels).map(([key, value]) => `${key}=${cellText(value)}`);
  return pairs.length === 0 ? "<none>" : pairs.sort().join(",");
}
