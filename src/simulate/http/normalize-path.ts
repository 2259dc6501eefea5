// What a connection manager makes of a path before filters and routes see it
// (HttpConnectionManager.normalize_path, merge_slashes, path_with_escaped_slashes_action).
import {
  HttpConnectionManager_PathWithEscapedSlashesAction as EscapedSlashes,
  type HttpConnectionManager,
} from "../../../gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts";
import { simulateErrors } from "../errors.ts";
import { afterPath, pathOnly } from "../match/path-matcher.ts";

/** @throws LateenError LAT2201 for the actions that answer the request themselves */
export function normalizePath(manager: HttpConnectionManager, path: string): string {
  let result = pathOnly(path);
  switch (manager.pathWithEscapedSlashesAction) {
    case EscapedSlashes.KEEP_UNCHANGED:
    case EscapedSlashes.IMPLEMENTATION_SPECIFIC_DEFAULT:
      break;
    case EscapedSlashes.UNESCAPE_AND_FORWARD:
      result = result.replace(/%2f|%5c/gi, (escaped) => (escaped.toLowerCase() === "%2f" ? "/" : "\\"));
      break;
    default:
      if (/%2f|%5c/i.test(result)) {
        throw simulateErrors.cannotSimulate("cannot simulate path_with_escaped_slashes_action that answers by itself");
      }
  }
  if (manager.normalizePath === true) result = withoutDotSegments(result.replaceAll("\\", "/"));
  if (manager.mergeSlashes) result = result.replace(/\/{2,}/g, "/");
  return result + afterPath(path);
}

/** RFC 3986 section 5.2.4; `%2e` is a dot too. */
function withoutDotSegments(path: string): string {
  if (!path.startsWith("/")) return path;
  const kept: string[] = [];
  const segments = path.slice(1).split("/");
  for (const [index, segment] of segments.entries()) {
    const plain = segment.replace(/%2e/gi, ".");
    const last = index === segments.length - 1;
    if (plain === "..") kept.pop();
    else if (plain !== ".") kept.push(segment);
    if (last && (plain === "." || plain === "..")) kept.push("");
  }
  return `/${kept.join("/")}`;
}
