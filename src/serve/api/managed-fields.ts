// Who manages which fields of an object (meta/v1 ManagedFieldsEntry).

import { sameData } from "../../kernel/equal.ts";
import {
  FieldIndex,
  type FieldSet,
  fieldSet,
  fieldsOf,
  fieldValue,
  hasField,
  readFieldsV1,
  writeFieldsV1,
} from "./field-set.ts";
import { isObject, type JsonObject } from "./json-tree.ts";
import { updateManagerLimit } from "./limits.ts";

export interface ManagedFields {
  manager: string;
  operation: "Apply" | "Update";
  apiVersion: string;
  /** RFC 3339, seconds. */
  time: string;
  subresource?: string;
  fields: FieldSet;
}

/** Under which older managers are put together, as Kubernetes names it. */
const ancientManager = "ancient-changes";

/** @returns undefined where the value is no list of entries */
export function readManagedFields(value: unknown): ManagedFields[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const entries: ManagedFields[] = [];
  for (const entry of value as unknown[]) {
    if (!isObject(entry)) return undefined;
    const { manager, operation, apiVersion, time, subresource, fieldsV1 } = entry;
    if (typeof manager !== "string" || (operation !== "Apply" && operation !== "Update")) return undefined;
    entries.push({
      manager,
      operation,
      apiVersion: typeof apiVersion === "string" ? apiVersion : "",
      time: typeof time === "string" ? time : "",
      ...(typeof subresource === "string" && subresource !== "" ? { subresource } : {}),
      fields: readFieldsV1(fieldsV1),
    });
  }
  return entries;
}

/** Without entries that own nothing; the oldest of too many updates are put together. */
export function writeManagedFields(entries: readonly ManagedFields[]): JsonObject[] {
  return capUpdates(entries.filter(({ fields }) => fields.size > 0)).map(({ fields, ...entry }) => ({
    ...entry,
    fieldsType: "FieldsV1",
    fieldsV1: writeFieldsV1(fields),
  }));
}

function capUpdates(entries: readonly ManagedFields[]): ManagedFields[] {
  const updates = entries.filter(({ operation }) => operation === "Update");
  if (updates.length <= updateManagerLimit) return [...entries];
  const oldest = [...updates]
    .sort((a, b) => (a.time < b.time ? -1 : 1))
    .slice(0, updates.length - updateManagerLimit + 1);
  const [first] = oldest;
  if (first === undefined) return [...entries];
  const together: ManagedFields = {
    ...first,
    manager: ancientManager,
    fields: fieldSet(oldest.flatMap(({ fields }) => [...fields.values()])),
  };
  return [together, ...entries.filter((entry) => !oldest.includes(entry))];
}

/** The part of an object whose fields can be managed. */
export function manageable(object: JsonObject): JsonObject {
  const { apiVersion: _apiVersion, kind: _kind, status: _status, metadata, ...rest } = object;
  const { labels, annotations, finalizers, ownerReferences } = isObject(metadata) ? metadata : {};
  const kept = Object.fromEntries(
    Object.entries({ labels, annotations, finalizers, ownerReferences }).filter(([, value]) => value !== undefined),
  );
  return { ...(Object.keys(kept).length === 0 ? {} : { metadata: kept }), ...rest };
}

/** Who makes a change, and when. */
export interface Author {
  manager: string;
  apiVersion: string;
  /** RFC 3339, seconds. */
  time: string;
}

/**
 * The owners after a create, an update or a patch: its author owns what it changed, and nobody owns what is gone.
 *
 * @param before undefined where the object is new
 */
export function ownersAfterUpdate(
  owners: readonly ManagedFields[],
  before: JsonObject | undefined,
  after: JsonObject,
  author: Author,
): ManagedFields[] {
  const [old, next] = [manageable(before ?? {}), manageable(after)];
  const fields = fieldsOf(next);
  const changed = [...fields.values()].filter((path) => !sameData(fieldValue(old, path), fieldValue(next, path)));
  const gone = [...fieldsOf(old).values()].filter((path) => !hasField(fields, path));
  if (changed.length === 0 && gone.length === 0) return [...owners];
  const lost = new FieldIndex([...changed, ...gone]);
  const isAuthor = ({ manager, operation, subresource }: ManagedFields): boolean =>
    manager === author.manager && operation === "Update" && subresource === undefined;
  const others = owners.map((entry) => {
    const kept = [...entry.fields.values()].filter((path) => lost.meeting(path) === undefined);
    return kept.length === entry.fields.size ? entry : { ...entry, fields: fieldSet(kept) };
  });
  const own = others.find(isAuthor);
  const entry: ManagedFields = {
    manager: author.manager,
    operation: "Update",
    apiVersion: author.apiVersion,
    time: author.time,
    fields: fieldSet([...(own?.fields.values() ?? []), ...changed]),
  };
  return [...others.filter((each) => !isAuthor(each)), entry];
}
