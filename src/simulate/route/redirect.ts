// envoy.config.route.v3.RedirectAction → status and Location.
import {
  RedirectAction_RedirectResponseCode as Code,
  type RedirectAction,
  type RouteMatch,
} from "../../../gen/envoy/config/route/v3/route_components_pb.ts";
import { afterPath, pathOnly } from "../match/path-matcher.ts";
import { replaceMatches } from "../regex/regex.ts";
import { replaceMatched } from "./rewrite.ts";

const statuses: Readonly<Record<number, number>> = {
  [Code.MOVED_PERMANENTLY]: 301,
  [Code.FOUND]: 302,
  [Code.SEE_OTHER]: 303,
  [Code.TEMPORARY_REDIRECT]: 307,
  [Code.PERMANENT_REDIRECT]: 308,
};

export interface Redirection {
  readonly status: number;
  readonly location: string;
}

export function redirectionOf(
  action: RedirectAction,
  match: RouteMatch,
  request: { scheme: string; authority: string; path: string },
): Redirection {
  const scheme =
    action.schemeRewriteSpecifier.case === "httpsRedirect"
      ? action.schemeRewriteSpecifier.value
        ? "https"
        : request.scheme
      : (action.schemeRewriteSpecifier.value ?? request.scheme);
  const path = newPath(action, match, request.path);
  const location = `${scheme}://${newAuthority(action, scheme, request)}${action.stripQuery ? pathOnly(path) : path}`;
  return { status: statuses[action.responseCode] ?? 301, location };
}

/** A port of the request stays, unless another host or port is named, or it was the default of the old scheme. */
function newAuthority(action: RedirectAction, scheme: string, request: { scheme: string; authority: string }): string {
  const [, host = "", port] = /^(.*?)(?::(\d+))?$/.exec(request.authority) ?? [];
  if (action.portRedirect !== 0) return `${action.hostRedirect || host}:${action.portRedirect}`;
  if (action.hostRedirect !== "") return action.hostRedirect;
  const isOldDefault = scheme !== request.scheme && port === (request.scheme === "http" ? "80" : "443");
  return port === undefined || isOldDefault ? host : request.authority;
}

/** `path_redirect` keeps the query unless it has its own. */
function newPath(action: RedirectAction, match: RouteMatch, path: string): string {
  const { pathRewriteSpecifier: specifier } = action;
  switch (specifier.case) {
    case "pathRedirect":
      return specifier.value.includes("?") ? specifier.value : specifier.value + afterPath(path);
    case "prefixRewrite":
      return replaceMatched(match, path, specifier.value);
    case "regexRewrite":
      return (
        replaceMatches(specifier.value.pattern?.regex ?? "", pathOnly(path), specifier.value.substitution) +
        afterPath(path)
      );
    case undefined:
      return path;
  }
}
