// The target of a request → path segments and query, refusing every spelling that two readers could take differently.
import { pathLimit, queryLimit, queryParameterLimit } from "./limits.ts";
import { StatusError } from "./status-error.ts";

export interface RequestTarget {
  /** As sent, without the query. */
  path: string;
  /** Decoded, without the empty first one; a trailing slash is dropped. */
  segments: readonly string[];
  query: URLSearchParams;
}

/** @throws StatusError 400 */
export function parseTarget(target: string): RequestTarget {
  const question = target.indexOf("?");
  const path = question === -1 ? target : target.slice(0, question);
  const rawQuery = question === -1 ? "" : target.slice(question + 1);
  if (!path.startsWith("/") || path.length > pathLimit) throw refused("path");
  if (rawQuery.length > queryLimit) throw refused("query");
  // Counted before they are taken apart.
  if ((rawQuery.match(/&/g)?.length ?? 0) >= queryParameterLimit) throw refused("query");
  const raw = path.slice(1).split("/");
  if (raw.at(-1) === "") raw.pop();
  return { path, segments: raw.map(decodeSegment), query: new URLSearchParams(rawQuery) };
}

function decodeSegment(raw: string): string {
  let segment: string;
  try {
    segment = decodeURIComponent(raw);
  } catch {
    throw refused("path");
  }
  // No name of the API holds these, so only an attempt to reach another path does.
  if (segment === "" || segment === "." || segment === ".." || /[/\\%\p{Cc}]/u.test(segment)) throw refused("path");
  return segment;
}

function refused(part: string): StatusError {
  return new StatusError("badRequest", `the ${part} of the request is not well formed or too long`);
}
