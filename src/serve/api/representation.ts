// The forms in which objects are sent: as they are, as rows of a Table, or only their metadata.
import { apiVersionOf, type Kind } from "../../config/kind.ts";
import type { ShownObject } from "./render-object.ts";
import { StatusError } from "./status-error.ts";
import { tableCell, valueAtPath } from "./table-cell.ts";

export interface ListMeta {
  resourceVersion: string;
  continue?: string;
  remainingItemCount?: number;
}

/** How one request wants to see objects. */
export interface Representation {
  one(object: ShownObject): unknown;
  list(objects: readonly ShownObject[], metadata: ListMeta): unknown;
  /** The object of a watch event; `first` is true for the first event of the watch. */
  event(object: ShownObject, first: boolean): unknown;
  /** The object of a bookmark. */
  bookmark(metadata: { resourceVersion: string; annotations?: Record<string, string> }): unknown;
}

interface Shape {
  kind: Kind;
  /** Version of the request. */
  version: string;
  nowMs: number;
}

/**
 * Chooses by the `Accept` header, first match first.
 *
 * @param includeObject what rows of a Table carry
 * @throws StatusError 406
 */
export function chooseRepresentation(
  accept: string | undefined,
  includeObject: string | null,
  shape: Shape,
): Representation {
  for (const range of (accept ?? "*/*").split(",")) {
    const [type = "", ...parameters] = range.split(";").map((part) => part.trim());
    if (type !== "application/json" && type !== "*/*" && type !== "application/*") continue;
    const form = new Map(parameters.map((parameter) => parameter.split("=", 2) as [string, string]));
    const as = form.get("as");
    if (as === undefined) return plain(shape);
    if (form.get("g") !== "meta.k8s.io" || !/^v1(beta1)?$/.test(form.get("v") ?? "")) continue;
    const version = `meta.k8s.io/${form.get("v")}`;
    if (as === "Table") return table(shape, version, includeObject ?? "Metadata");
    if (as === "PartialObjectMetadata" || as === "PartialObjectMetadataList") return metadataOnly(shape, version);
  }
  throw new StatusError(
    "notAcceptable",
    "only application/json is served, also as Table or PartialObjectMetadata of meta.k8s.io/v1",
  );
}

function plain({ kind, version }: Shape): Representation {
  const apiVersion = apiVersionOf(kind, version);
  return {
    one: (object) => object,
    list: (items, metadata) => ({ kind: `${kind.kind}List`, apiVersion, metadata, items }),
    event: (object) => object,
    bookmark: (metadata) => ({ kind: kind.kind, apiVersion, metadata }),
  };
}

function metadataOnly(_shape: Shape, apiVersion: string): Representation {
  const partial = (object: ShownObject): unknown => ({
    kind: "PartialObjectMetadata",
    apiVersion,
    metadata: object.metadata,
  });
  return {
    one: partial,
    list: (objects, metadata) => ({
      kind: "PartialObjectMetadataList",
      apiVersion,
      metadata,
      items: objects.map(partial),
    }),
    event: partial,
    bookmark: (metadata) => ({ kind: "PartialObjectMetadata", apiVersion, metadata }),
  };
}

function table({ kind, nowMs }: Shape, apiVersion: string, includeObject: string): Representation {
  const columnDefinitions = [
    { name: "Name", type: "string", format: "name", description: "Name of the object.", priority: 0 },
    ...kind.columns.map(({ name, type, description = "" }) => ({ name, type, format: "", description, priority: 0 })),
  ];
  const row = (object: ShownObject): unknown => ({
    cells: [
      object.metadata.name,
      ...kind.columns.map(({ type, jsonPath }) => tableCell(type, valueAtPath(object, jsonPath), nowMs)),
    ],
    ...(includeObject === "None"
      ? {}
      : includeObject === "Object"
        ? { object }
        : { object: { kind: "PartialObjectMetadata", apiVersion, metadata: object.metadata } }),
  });
  const tableOf = (rows: unknown[], metadata: object, withColumns: boolean): unknown => ({
    kind: "Table",
    apiVersion,
    metadata,
    ...(withColumns ? { columnDefinitions } : { columnDefinitions: null }),
    rows,
  });
  return {
    one: (object) => tableOf([row(object)], { resourceVersion: object.metadata.resourceVersion }, true),
    list: (objects, metadata) => tableOf(objects.map(row), metadata, true),
    event: (object, first) => tableOf([row(object)], { resourceVersion: object.metadata.resourceVersion }, first),
    bookmark: (metadata) =>
      tableOf([{ cells: null, object: { kind: "PartialObjectMetadata", apiVersion, metadata } }], metadata, false),
  };
}
