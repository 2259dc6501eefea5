// Kubernetes' Status object (meta/v1), the body of every error answer.

import { isFields } from "../../kernel/fields.ts";
import { fieldsOf, listOf, textOf } from "../json-value.ts";

export interface StatusCause {
  /** Path of the field, as `spec.http[0].timeout`; empty for the object. */
  field: string;
  message: string;
  reason: string;
}

export interface ApiStatus {
  code: number;
  /** `NotFound`, `AlreadyExists`, `Invalid`, …; empty where the body was no Status. */
  reason: string;
  message: string;
  causes: StatusCause[];
}

/** Causes of one answer that are read. */
const causeLimit = 256;

/** Reads an error answer; what is not a Status becomes one with the HTTP code and the start of the body. */
export function readStatus(code: number, body: string): ApiStatus {
  const value = parse(body);
  if (!isFields(value) || value["kind"] !== "Status") {
    return { code, reason: "", message: firstLine(body) || `HTTP status ${code}`, causes: [] };
  }
  const causes = listOf(fieldsOf(value["details"])["causes"]);
  return {
    code,
    reason: textOf(value["reason"]),
    message: textOf(value["message"]) || `HTTP status ${code}`,
    causes: causes
      .slice(0, causeLimit)
      .filter(isFields)
      .map((cause) => ({
        field: textOf(cause["field"]),
        message: textOf(cause["message"]),
        reason: textOf(cause["reason"]),
      })),
  };
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

function firstLine(body: string): string {
  return (body.trim().split("\n")[0] ?? "").slice(0, 300);
}
