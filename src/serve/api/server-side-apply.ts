// Server-side apply: a manager says which fields it wants, and keeps exactly those.
import { sameData } from "../../kernel/equal.ts";
import { FieldIndex, type FieldPath, fieldSet, fieldsOf, fieldValue, formatField, type Meeting } from "./field-set.ts";
import { isObject, type JsonObject } from "./json-tree.ts";
import { type Author, type ManagedFields, manageable } from "./managed-fields.ts";
import type { StatusCause } from "./status-error.ts";

export type Applied =
  | { outcome: "merged"; object: JsonObject; owners: ManagedFields[] }
  /** Fields that others own and want otherwise. */
  | { outcome: "conflict"; causes: StatusCause[] };

/**
 * Merges a configuration into an object. Fields that the manager applied before and no longer names go, unless another
 * manager owns them too; fields of others stay. With `force`, fields are taken over from other managers.
 *
 * @param live undefined where the object is to be made
 */
export function applyConfiguration(
  live: JsonObject | undefined,
  owners: readonly ManagedFields[],
  configuration: JsonObject,
  author: Author,
  force: boolean,
): Applied {
  const [present, wanted] = [manageable(live ?? {}), manageable(configuration)];
  const fields = fieldsOf(wanted);
  const index = new FieldIndex(fields.values());
  const own = owners.find((entry) => isApplier(entry, author));
  const others = owners.filter((entry) => entry !== own);
  const causes: StatusCause[] = [];
  const contested: FieldPath[] = [];
  const remaining = others.map((entry) => {
    const kept = [...entry.fields.values()].filter((path) => {
      const meeting = index.meeting(path);
      if (meeting === undefined || !differs(present, wanted, meeting)) return true;
      causes.push(conflictCause(entry, meeting.at));
      contested.push(meeting.at);
      return false;
    });
    return kept.length === entry.fields.size ? entry : { ...entry, fields: fieldSet(kept) };
  });
  if (causes.length > 0 && !force && !canMigrate(live, contested, author)) return { outcome: "conflict", causes };
  const shared = new FieldIndex(remaining.flatMap((entry) => [...entry.fields.values()]));
  let object: JsonObject = merge(live ?? {}, wanted);
  for (const path of own?.fields.values() ?? []) {
    const stays = [index, shared].some((each) => each.meeting(path)?.at.length === path.length);
    if (!stays) object = remove(object, path);
  }
  // What became empty is gone, also where the configuration wants it empty.
  object = merge(object, wanted);
  const entry: ManagedFields = { ...author, operation: "Apply", fields };
  const unchanged = own !== undefined && sameData([...own.fields.keys()].sort(), [...fields.keys()].sort());
  // The time of an entry is that of its last change.
  const kept = unchanged && sameData(object, live) ? { ...own, apiVersion: author.apiVersion } : entry;
  return { outcome: "merged", object, owners: [...remaining, kept] };
}

/** The manager of `kubectl apply --server-side`, and where `kubectl apply` keeps what it applied. */
const kubectlManager = "kubectl";
const lastAppliedAnnotation = "kubectl.kubernetes.io/last-applied-configuration";

/**
 * True where kubectl goes from client-side to server-side apply: the contested fields are those that it applied itself and
 * that nobody has changed since. API servers let it pass for this one manager.
 */
function canMigrate(live: JsonObject | undefined, contested: readonly FieldPath[], author: Author): boolean {
  const text = fieldValue(live, ["f:metadata", "f:annotations", `f:${lastAppliedAnnotation}`]);
  if (author.manager !== kubectlManager || live === undefined || typeof text !== "string") return false;
  let last: unknown;
  try {
    last = JSON.parse(text);
  } catch {
    return false;
  }
  return contested.every((path) => {
    const value = fieldValue(last, path);
    return value !== undefined && sameData(value, fieldValue(live, path));
  });
}

function isApplier(entry: ManagedFields, author: Author): boolean {
  return entry.manager === author.manager && entry.operation === "Apply" && entry.subresource === undefined;
}

/** True where the wanted configuration would change what is where two paths meet. */
function differs(present: JsonObject, wanted: JsonObject, { at, same }: Meeting): boolean {
  const [live, next] = [fieldValue(present, at), fieldValue(wanted, at)];
  // An object that others own as a whole is only extended, if it is an object on both sides.
  if (!same && isObject(live) && isObject(next)) return false;
  return !sameData(live, next);
}

function conflictCause({ manager, apiVersion, operation }: ManagedFields, path: FieldPath): StatusCause {
  const how = operation === "Apply" ? "" : " using Update";
  return {
    reason: "FieldManagerConflict",
    message: `conflict with ${JSON.stringify(manager)}${how}${apiVersion === "" ? "" : ` (${apiVersion})`}`,
    field: formatField(path),
  };
}

function merge(live: JsonObject, wanted: JsonObject): JsonObject {
  const result: JsonObject = { ...live };
  for (const [name, value] of Object.entries(wanted)) {
    const present = Object.hasOwn(live, name) ? live[name] : undefined;
    result[name] = isObject(value) && isObject(present) ? merge(present, value) : value;
  }
  return result;
}

/** Objects that become empty by it go too. */
function remove(object: JsonObject, path: FieldPath): JsonObject {
  const [element = "", ...rest] = path;
  const name = element.slice(2);
  if (!element.startsWith("f:") || !Object.hasOwn(object, name)) return object;
  const { [name]: field, ...others } = object;
  if (rest.length === 0) return others;
  if (!isObject(field)) return object;
  const left = remove(field, rest);
  return Object.keys(left).length === 0 ? others : { ...object, [name]: left };
}
