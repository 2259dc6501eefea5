// What a client sent → an object that may be stored, or every reason why not.
import { readEnvelope } from "../../config/decode/envelope.ts";
import { apiVersionOf, type Kind } from "../../config/kind.ts";
import type { ApiObject } from "../../config/object.ts";
import type { Problem } from "../../config/problem.ts";
import { isObject } from "./json-tree.ts";
import type { WriteOptions } from "./query-options.ts";
import { invalid, StatusError } from "./status-error.ts";
import { pruneUnknownFields } from "./unknown-fields.ts";

/** Everything that is wrong with an object or worth a warning; may look at other objects too, or run elsewhere. */
export type Validate = (kind: Kind, object: ApiObject) => Promise<readonly Problem[]>;

/** Where the request says the object is. */
export interface AdmissionTarget {
  kind: Kind;
  version: string;
  namespace: string;
  /** Undefined where the object is to be made under the name that it brings. */
  name: string | undefined;
}

/** Reads the object; it is not validated yet, because the server still completes its metadata. */
export function readObject(
  value: unknown,
  target: AdmissionTarget,
  fieldValidation: WriteOptions["fieldValidation"],
): { object: ApiObject; warnings: string[] } {
  const { kind, version, namespace, name } = target;
  const title = `${kind.kind} in version ${JSON.stringify(version)} cannot be handled as a ${kind.kind}`;
  if (!isObject(value)) throw new StatusError("badRequest", `${title}: the body must be an object`);
  const expected = apiVersionOf(kind, version);
  if (value["kind"] !== kind.kind || value["apiVersion"] !== expected) {
    throw new StatusError(
      "badRequest",
      `the kind in the data (${show(value["apiVersion"])}, Kind=${show(value["kind"])}) does not match the expected one (${expected}, Kind=${kind.kind})`,
    );
  }
  const { value: pruned, unknown } = pruneUnknownFields(kind, value);
  if (unknown.length > 0 && fieldValidation === "Strict") {
    throw new StatusError("badRequest", `${title}: strict decoding error: ${unknown.join(", ")}`, {
      causes: unknown.map((message) => ({ reason: "FieldValueInvalid", message })),
    });
  }
  const envelope = readEnvelope(pruned, namespace);
  if ("problems" in envelope) throw invalid(kind, name ?? "", envelope.problems);
  const { metadata } = envelope.object;
  if (metadata.namespace !== namespace) {
    throw new StatusError(
      "badRequest",
      "the namespace of the provided object does not match the namespace sent on the request",
    );
  }
  if (name !== undefined && metadata.name !== name) {
    throw new StatusError(
      "badRequest",
      `the name of the object (${show(metadata.name)}) does not match the name on the URL (${name})`,
    );
  }
  const { status: _status, ...object } = envelope.object; // what the mesh says is not the client's to write
  return { object, warnings: fieldValidation === "Warn" ? unknown : [] };
}

/**
 * @returns texts of warnings
 * @throws StatusError 422 with a cause for each error
 */
export async function validateObjectFully(kind: Kind, object: ApiObject, validate: Validate): Promise<string[]> {
  const problems = await validate(kind, object);
  const errors = problems.filter((problem) => problem.severity === "error");
  if (errors.length > 0) throw invalid(kind, object.metadata.name, errors);
  return problems.map(({ code, path, message, remedy }) => {
    const place = path === undefined || path === "" ? "" : ` ${path}`;
    return `${code}${place}: ${message}${remedy === undefined ? "" : ` (${remedy})`}`;
  });
}

function show(value: unknown): string {
  return typeof value === "string" ? value.slice(0, 100) : "none";
}
