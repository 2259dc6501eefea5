// envoy.type.matcher.v3.PathMatcher, and what all matchers of paths look at.
import type { PathMatcher } from "../../../gen/envoy/type/matcher/v3/path_pb.ts";
import { simulateErrors } from "../errors.ts";
import { matchesString } from "./string-matcher.ts";

/** The path without query and fragment. */
export function pathOnly(path: string): string {
  return path.split(/[?#]/, 1)[0] ?? "";
}

/** The query and fragment with their first character; empty where there is none. */
export function afterPath(path: string): string {
  return path.slice(pathOnly(path).length);
}

export function matchesPath(matcher: PathMatcher, path: string): boolean {
  if (matcher.rule.case !== "path") throw simulateErrors.cannotSimulate("cannot simulate a path matcher without path");
  return matchesString(matcher.rule.value, pathOnly(path));
}
