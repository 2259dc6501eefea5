// Query parameters of the Kubernetes API (meta/v1 ListOptions, CreateOptions, PatchOptions, DeleteOptions).
import { type FieldTest, parseFieldSelector } from "./field-selector.ts";
import { type LabelTest, parseLabelSelector } from "./label-selector.ts";
import { listPageLimit, longestWatchSeconds } from "./limits.ts";
import { StatusError } from "./status-error.ts";

export interface ListOptions {
  labels: LabelTest;
  fields: FieldTest;
  /** Undefined where the client takes any; 0 is the same said aloud. */
  resourceVersion: number | undefined;
  resourceVersionMatch: "Exact" | "NotOlderThan" | undefined;
  limit: number | undefined;
  continue: string | undefined;
}

export interface WatchOptions extends ListOptions {
  timeoutSeconds: number | undefined;
  bookmarks: boolean;
  /** Undefined where the client does not say: then by its resourceVersion. */
  sendInitialEvents: boolean | undefined;
}

export interface WriteOptions {
  dryRun: boolean;
  fieldManager: string | undefined;
  fieldValidation: "Strict" | "Warn" | "Ignore";
  /** Server-side apply takes fields over from other managers. */
  force: boolean;
}

/** @throws StatusError 400 */
export function listOptions(query: URLSearchParams): ListOptions {
  const resourceVersion = numberOf(query, "resourceVersion", Number.MAX_SAFE_INTEGER);
  const match = choiceOf(query, "resourceVersionMatch", ["Exact", "NotOlderThan"] as const);
  if (match !== undefined && resourceVersion === undefined && !query.has("sendInitialEvents")) {
    throw new StatusError("badRequest", "resourceVersionMatch needs resourceVersion");
  }
  const limit = numberOf(query, "limit", Number.MAX_SAFE_INTEGER);
  return {
    labels: parseLabelSelector(query.get("labelSelector") ?? ""),
    fields: parseFieldSelector(query.get("fieldSelector") ?? ""),
    resourceVersion,
    resourceVersionMatch: match,
    limit: limit === undefined || limit === 0 ? undefined : Math.min(limit, listPageLimit),
    continue: textOf(query, "continue"),
  };
}

/** @throws StatusError 400 */
export function watchOptions(query: URLSearchParams): WatchOptions {
  const timeoutSeconds = numberOf(query, "timeoutSeconds", Number.MAX_SAFE_INTEGER);
  return {
    ...listOptions(query),
    timeoutSeconds: timeoutSeconds === undefined ? undefined : Math.min(timeoutSeconds, longestWatchSeconds),
    bookmarks: flagOf(query, "allowWatchBookmarks") ?? false,
    sendInitialEvents: flagOf(query, "sendInitialEvents"),
  };
}

export function isWatch(query: URLSearchParams): boolean {
  return flagOf(query, "watch") ?? false;
}

/** @throws StatusError 400 */
export function writeOptions(query: URLSearchParams): WriteOptions {
  const manager = textOf(query, "fieldManager");
  if (manager !== undefined && !/^[\x20-\x7e]{1,128}$/.test(manager)) {
    throw new StatusError("badRequest", "fieldManager must have 1 to 128 printable characters");
  }
  return {
    dryRun: isDryRun(query.getAll("dryRun").filter((word) => word !== "")),
    fieldManager: manager,
    fieldValidation: choiceOf(query, "fieldValidation", ["Strict", "Warn", "Ignore"] as const) ?? "Warn",
    force: flagOf(query, "force") ?? false,
  };
}

/** @throws StatusError 400 where it is anything but empty or `All` */
export function isDryRun(words: readonly unknown[]): boolean {
  if (words.length === 0) return false;
  if (words.every((word) => word === "All")) return true;
  throw new StatusError("badRequest", "dryRun must be All");
}

function textOf(query: URLSearchParams, name: string): string | undefined {
  const text = query.get(name);
  return text === null || text === "" ? undefined : text;
}

function numberOf(query: URLSearchParams, name: string, most: number): number | undefined {
  const text = textOf(query, name);
  if (text === undefined) return undefined;
  if (!/^\d{1,16}$/.test(text) || Number(text) > most) {
    throw new StatusError("badRequest", `${name} must be a whole number of 0 or more`);
  }
  return Number(text);
}

/** As Go's strconv.ParseBool, with which API servers read flags. */
function flagOf(query: URLSearchParams, name: string): boolean | undefined {
  const text = textOf(query, name);
  if (text === undefined) return undefined;
  if (/^(1|t|true)$/i.test(text)) return true;
  if (/^(0|f|false)$/i.test(text)) return false;
  throw new StatusError("badRequest", `${name} must be true or false`);
}

function choiceOf<const T extends readonly string[]>(
  query: URLSearchParams,
  name: string,
  known: T,
): T[number] | undefined {
  const text = textOf(query, name);
  if (text === undefined || known.includes(text)) return text;
  throw new StatusError("badRequest", `${name} must be one of ${known.join(", ")}`);
}
