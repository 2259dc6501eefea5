// Errors as the Kubernetes API says them: an HTTP status and a `Status` object (meta/v1).
import type { Problem } from "../../config/problem.ts";
import { LateenError } from "../../kernel/error.ts";
import { apiErrorKinds } from "./errors.ts";

/** One field's fault (meta/v1 StatusCause). */
export interface StatusCause {
  reason?: string;
  message: string;
  /** Path as `spec.http[0].timeout`. */
  field?: string;
}

/** What the error is about (meta/v1 StatusDetails). */
export interface StatusDetails {
  name?: string;
  group?: string;
  /** For errors, as Kubernetes does, often the plural of the resource. */
  kind?: string;
  uid?: string;
  causes?: StatusCause[];
  retryAfterSeconds?: number;
}

export interface Status {
  kind: "Status";
  apiVersion: "v1";
  metadata: Record<string, never>;
  status: "Success" | "Failure";
  message?: string;
  reason?: string;
  details?: StatusDetails;
  code: number;
}

type KindName = keyof typeof apiErrorKinds;

/** HTTP status and reason of each kind of error (meta/v1 StatusReason). */
const answers: Record<KindName, readonly [code: number, reason: string]> = {
  badRequest: [400, "BadRequest"],
  unauthorized: [401, "Unauthorized"],
  forbidden: [403, "Forbidden"],
  notFound: [404, "NotFound"],
  notAllowed: [405, "MethodNotAllowed"],
  notAcceptable: [406, "NotAcceptable"],
  timeout: [504, "Timeout"],
  conflict: [409, "Conflict"],
  alreadyExists: [409, "AlreadyExists"],
  expired: [410, "Expired"],
  tooLarge: [413, "RequestEntityTooLarge"],
  unsupportedMediaType: [415, "UnsupportedMediaType"],
  invalid: [422, "Invalid"],
  tooManyRequests: [429, "TooManyRequests"],
  internal: [500, "InternalError"],
  unavailable: [503, "ServiceUnavailable"],
  readOnly: [405, "MethodNotAllowed"],
  listenFailed: [500, "InternalError"],
};

export class StatusError extends LateenError {
  readonly status: Status;

  constructor(kind: KindName, message: string, details?: StatusDetails, options: { cause?: unknown } = {}) {
    super(apiErrorKinds[kind], message, options);
    const [code, reason] = answers[kind];
    this.status = {
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Failure",
      message,
      reason,
      ...(details === undefined ? {} : { details }),
      code,
    };
  }
}

/** Names a resource as Kubernetes' messages do: `virtualservices.networking.istio.io`. */
export interface ResourceName {
  plural: string;
  group: string;
}

export function qualifiedName({ plural, group }: ResourceName): string {
  return group === "" ? plural : `${plural}.${group}`;
}

export function notFound(resource: ResourceName, name: string): StatusError {
  const details = { name, group: resource.group, kind: resource.plural };
  return new StatusError("notFound", `${qualifiedName(resource)} "${name}" not found`, details);
}

/** @param where what to do, after a semicolon; empty where the object can be changed here */
export function alreadyExists(resource: ResourceName, name: string, where: string): StatusError {
  const details = { name, group: resource.group, kind: resource.plural };
  return new StatusError("alreadyExists", `${qualifiedName(resource)} "${name}" already exists${where}`, details);
}

export function readOnly(resource: ResourceName, name: string, where: string): StatusError {
  const details = { name, group: resource.group, kind: resource.plural };
  return new StatusError("readOnly", `${qualifiedName(resource)} "${name}" is read-only: ${where}`, details);
}

export function conflict(resource: ResourceName, name: string, why: string, causes?: StatusCause[]): StatusError {
  return new StatusError("conflict", `Operation cannot be fulfilled on ${qualifiedName(resource)} "${name}": ${why}`, {
    name,
    group: resource.group,
    kind: resource.plural,
    ...(causes === undefined ? {} : { causes }),
  });
}

/** Kubernetes' reasons for the faults of fields (meta/v1 CauseType), by our codes. */
const causeReasons: Record<string, string> = {
  LAT1003: "FieldValueTypeInvalid",
  LAT1004: "FieldValueNotSupported",
  LAT1006: "FieldValueRequired",
  LAT1011: "FieldValueTooLong",
  LAT1012: "FieldValueDuplicate",
};

export function causeOf(problem: Problem): StatusCause {
  const remedy = problem.remedy === undefined ? "" : ` (${problem.remedy})`;
  return {
    reason: causeReasons[problem.code] ?? "FieldValueInvalid",
    message: `${problem.code}: ${problem.message}${remedy}`,
    ...(problem.path === undefined || problem.path === "" ? {} : { field: problem.path }),
  };
}

/** The object has errors: 422 with one cause for each. */
export function invalid(
  kind: { kind: string; group: string },
  name: string,
  problems: readonly Problem[],
): StatusError {
  const causes = problems.map(causeOf);
  const list = causes.map(({ field, message }) => (field === undefined ? message : `${field}: ${message}`));
  const title = `${kind.kind}${kind.group === "" ? "" : `.${kind.group}`} "${name}" is invalid`;
  const text = list.length === 1 ? (list[0] ?? "") : `[${list.join(", ")}]`;
  return new StatusError("invalid", `${title}: ${text}`, { name, group: kind.group, kind: kind.kind, causes });
}

/** Codes of the store that a client can do something about. */
const storeAnswers: Record<string, KindName> = { LAT5001: "tooLarge", LAT5009: "tooManyRequests" };

/** Any error as a Status; `undefined` where it is a defect, whose text stays inside. */
export function statusOf(error: unknown): Status | undefined {
  if (error instanceof StatusError) return error.status;
  if (!(error instanceof LateenError) || !/^LAT500\d$/.test(error.code)) return undefined;
  const kind = storeAnswers[error.code] ?? "unavailable";
  const causes = [{ reason: error.code, message: error.remedy }];
  const retry = kind === "tooManyRequests" ? { retryAfterSeconds: 1 } : {};
  return new StatusError(kind, `${error.code}: ${error.message}`, { causes, ...retry }).status;
}
