// A decoded value → Kubernetes' envelope: which kind, which object, with metadata whose types hold.

import { type Fields, isFields } from "../../kernel/fields.ts";
import { configCodes } from "../errors.ts";
import { formatPath, type PathSegment } from "../field-path.ts";
import { apiVersionOf, type Kind } from "../kind.ts";
import { kindByGvk, kinds } from "../kinds.ts";
import type { ApiObject, ObjectMeta } from "../object.ts";
import type { Problem } from "../problem.ts";
import { nearestWord } from "../spelling.ts";

export interface Envelope {
  kind: Kind;
  object: ApiObject;
}

/** Characters shown of a name that nothing has checked; Kubernetes' longest have 253. */
const shownLength = 253;

/** ObjectMeta of Kubernetes' meta/v1, with the JSON type of each field. */
const metadataTypes: Record<string, "text" | "texts" | "number" | "list" | "any"> = {
  name: "text",
  namespace: "text",
  generateName: "text",
  uid: "text",
  resourceVersion: "text",
  selfLink: "text",
  generation: "number",
  creationTimestamp: "text",
  deletionTimestamp: "text",
  deletionGracePeriodSeconds: "number",
  labels: "texts",
  annotations: "texts",
  ownerReferences: "list",
  finalizers: "list",
  managedFields: "list",
};

/**
 * Reads the envelope of one object.
 *
 * @param value a plain value, for example a JSON body; the result shares its parts
 * @param defaultNamespace where a namespaced object without a namespace goes
 * @returns the object, or why there is none
 */
export function readEnvelope(value: unknown, defaultNamespace: string): Envelope | { problems: Problem[] } {
  if (!isFields(value)) {
    return { problems: [problem(configCodes.wrongType, "must be an object with apiVersion, kind and metadata", [])] };
  }
  const kind = findKind(value);
  if ("problems" in kind) return named(value, kind.problems);
  const meta = readMetadata(value["metadata"], kind.kind, defaultNamespace);
  if ("problems" in meta) return named(value, meta.problems);
  return { kind: kind.kind, object: { ...value, metadata: meta.metadata } as unknown as ApiObject };
}

/** Names the object as far as it names itself. */
function named(value: Fields, problems: readonly Problem[]): { problems: Problem[] } {
  const metadata = isFields(value["metadata"]) ? value["metadata"] : {};
  const text = (field: unknown): string => (typeof field === "string" ? field.slice(0, shownLength) : "");
  const object = { kind: text(value["kind"]), namespace: text(metadata["namespace"]), name: text(metadata["name"]) };
  const isNamed = object.kind !== "" && object.name !== "";
  return { problems: isNamed ? problems.map((problem) => ({ object, ...problem })) : [...problems] };
}

function findKind(value: Fields): { kind: Kind } | { problems: Problem[] } {
  const { apiVersion, kind: kindName } = value as { apiVersion?: unknown; kind?: unknown };
  const missing: Problem[] = [];
  for (const [name, field] of [["apiVersion", apiVersion] as const, ["kind", kindName] as const]) {
    if (field === undefined)
      missing.push(problem(configCodes.missingField, "required field is missing", [name], "Add it."));
    else if (typeof field !== "string") missing.push(problem(configCodes.wrongType, "must be of type string", [name]));
  }
  if (missing.length > 0 || typeof apiVersion !== "string" || typeof kindName !== "string")
    return { problems: missing };
  const kind = kindByGvk(apiVersion, kindName);
  if (kind !== undefined) return { kind };
  const shown = `${apiVersion.slice(0, 100)} ${kindName.slice(0, 100)}`;
  const sameName = kinds.find((known) => known.kind === kindName);
  if (sameName !== undefined) {
    const served = sameName.versions.map((version) => apiVersionOf(sameName, version)).join(", ");
    return {
      problems: [problem(configCodes.unknownKind, `${shown} is not served`, ["apiVersion"], `Use one of ${served}.`)],
    };
  }
  const nearest = nearestWord(
    kindName,
    kinds.map((known) => known.kind),
  );
  const remedy = nearest === undefined ? undefined : `Did you mean ${nearest}?`;
  return { problems: [problem(configCodes.unknownKind, `${shown} is not served`, ["kind"], remedy)] };
}

function readMetadata(
  metadata: unknown,
  kind: Kind,
  defaultNamespace: string,
): { metadata: ObjectMeta } | { problems: Problem[] } {
  if (metadata === undefined) {
    return {
      problems: [problem(configCodes.missingField, "required field is missing", ["metadata", "name"], "Add it.")],
    };
  }
  if (!isFields(metadata))
    return { problems: [problem(configCodes.wrongType, "must be of type object", ["metadata"])] };
  const problems = Object.entries(metadata).flatMap(([name, field]) => checkMetadataField(name, field));
  if (metadata["name"] === undefined && metadata["generateName"] === undefined) {
    problems.push(problem(configCodes.missingField, "required field is missing", ["metadata", "name"], "Add it."));
  }
  if (problems.length > 0) return { problems };
  const fields = metadata as Partial<ObjectMeta>;
  const namespace = fields.namespace ?? (kind.scope === "Namespaced" ? defaultNamespace : "");
  return { metadata: { ...fields, name: fields.name ?? "", namespace } };
}

function checkMetadataField(name: string, field: unknown): Problem[] {
  const path: PathSegment[] = ["metadata", name];
  const type = Object.hasOwn(metadataTypes, name) ? metadataTypes[name] : undefined;
  switch (type) {
    case undefined: {
      const nearest = nearestWord(name, Object.keys(metadataTypes));
      const remedy = nearest === undefined ? "Remove it." : `Did you mean ${nearest}?`;
      return [problem(configCodes.unknownField, "unknown field", path, remedy)];
    }
    case "text":
      return typeof field === "string" ? [] : [problem(configCodes.wrongType, "must be of type string", path)];
    case "number":
      return typeof field === "number" ? [] : [problem(configCodes.wrongType, "must be of type integer", path)];
    case "list":
      return Array.isArray(field) ? [] : [problem(configCodes.wrongType, "must be of type array", path)];
    case "texts":
      if (!isFields(field)) return [problem(configCodes.wrongType, "must be of type object", path)];
      return Object.entries(field)
        .filter(([, text]) => typeof text !== "string")
        .map(([key]) =>
          problem(configCodes.wrongType, "must be of type string", [...path, key], "Put the value in quotes."),
        );
    default:
      return [];
  }
}

function problem(code: string, message: string, path: readonly PathSegment[], remedy?: string): Problem {
  return {
    severity: "error",
    code,
    message,
    path: formatPath(path),
    ...(remedy === undefined ? {} : { remedy }),
  };
}
