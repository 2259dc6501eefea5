// What the destination sees: RouteAction.prefix_rewrite, regex_rewrite and host_rewrite_literal.
import type { RouteAction, RouteMatch } from "../../../gen/envoy/config/route/v3/route_components_pb.ts";
import { simulateErrors } from "../errors.ts";
import { afterPath, pathOnly } from "../match/path-matcher.ts";
import { replaceMatches } from "../regex/regex.ts";

export function rewrittenPath(action: RouteAction, match: RouteMatch, path: string): string {
  if (action.regexRewrite !== undefined) {
    const { pattern, substitution } = action.regexRewrite;
    return replaceMatches(pattern?.regex ?? "", pathOnly(path), substitution) + afterPath(path);
  }
  return action.prefixRewrite === "" ? path : replaceMatched(match, path, action.prefixRewrite);
}

/** A prefix is replaced where it matched; a path or an expression matched as a whole. */
export function replaceMatched(match: RouteMatch, path: string, replacement: string): string {
  const { pathSpecifier } = match;
  if (pathSpecifier.case === "prefix" || pathSpecifier.case === "pathSeparatedPrefix") {
    return replacement + path.slice(pathSpecifier.value.length);
  }
  return replacement + afterPath(path);
}

/** @throws LateenError LAT2201 for rewrites that depend on headers, paths or endpoints */
export function rewrittenAuthority(
  specifier: { case: string | undefined; value?: unknown },
  authority: string,
): string {
  if (specifier.case === undefined) return authority;
  if (specifier.case === "hostRewriteLiteral") return String(specifier.value);
  throw simulateErrors.cannotSimulate(`cannot simulate a rewrite of the host by ${specifier.case}`);
}
