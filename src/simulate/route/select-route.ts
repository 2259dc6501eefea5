// Which route of a virtual host takes a request (envoy.config.route.v3.RouteMatch): the first that matches.
import {
  type Route,
  type RouteMatch,
  RouteMatchSchema,
  RouteSchema,
  type VirtualHost,
  VirtualHostSchema,
} from "../../../gen/envoy/config/route/v3/route_components_pb.ts";
import { simulateErrors } from "../errors.ts";
import type { HeaderMap } from "../http/http-request.ts";
import { onlyFields } from "../known-fields.ts";
import { matchesHeader } from "../match/header-matcher.ts";
import { pathOnly } from "../match/path-matcher.ts";
import { matchesQuery, queryParameters } from "../match/query-matcher.ts";
import { matchesWhole } from "../regex/regex.ts";

const knownHostFields = new Set(["name", "domains", "routes", "include_request_attempt_count"]);
const knownRouteFields = new Set([
  "name",
  "match",
  "route",
  "redirect",
  "direct_response",
  "metadata",
  "decorator",
  "typed_per_filter_config",
  "request_headers_to_add",
  "request_headers_to_remove",
  "response_headers_to_add",
  "response_headers_to_remove",
]);
const knownMatchFields = new Set([
  "prefix",
  "path",
  "safe_regex",
  "path_separated_prefix",
  "case_sensitive",
  "headers",
  "query_parameters",
]);

/** @throws LateenError LAT2201 for matches and actions that are not carried out here */
export function selectRoute(
  virtualHost: VirtualHost,
  headers: HeaderMap,
  path: string,
): { route: Route; because: string } | undefined {
  onlyFields(VirtualHostSchema, virtualHost, knownHostFields);
  for (const [index, route] of virtualHost.routes.entries()) {
    onlyFields(RouteSchema, route, knownRouteFields);
    if (route.match === undefined || !isMatch(route.match, headers, path)) continue;
    return { route, because: `route ${index + 1} of ${virtualHost.routes.length}: ${describeMatch(route.match)}` };
  }
  return undefined;
}

function isMatch(match: RouteMatch, headers: HeaderMap, path: string): boolean {
  onlyFields(RouteMatchSchema, match, knownMatchFields);
  if (!matchesPathSpecifier(match, path)) return false;
  if (!match.headers.every((matcher) => matchesHeader(matcher, headers))) return false;
  const parameters = queryParameters(path);
  return match.queryParameters.every((matcher) => matchesQuery(matcher, parameters));
}

function matchesPathSpecifier({ pathSpecifier, caseSensitive }: RouteMatch, path: string): boolean {
  const fold = (text: string): string => (caseSensitive === false ? text.toLowerCase() : text);
  const actual = fold(pathOnly(path));
  switch (pathSpecifier.case) {
    case "prefix":
      return actual.startsWith(fold(pathSpecifier.value));
    case "path":
      return actual === fold(pathSpecifier.value);
    case "pathSeparatedPrefix":
      return actual === fold(pathSpecifier.value) || actual.startsWith(`${fold(pathSpecifier.value)}/`);
    case "safeRegex":
      return matchesWhole(pathSpecifier.value.regex, pathOnly(path));
    default:
      throw simulateErrors.cannotSimulate(`cannot simulate a route match by ${pathSpecifier.case ?? "nothing"}`);
  }
}

function describeMatch({ pathSpecifier, headers, queryParameters: parameters }: RouteMatch): string {
  const path =
    pathSpecifier.case === "safeRegex"
      ? `regex ${pathSpecifier.value.regex}`
      : `${pathSpecifier.case} ${String(pathSpecifier.value)}`;
  const names = [
    ...headers.map((matcher) => `${matcher.invertMatch ? "not " : ""}header ${matcher.name}`),
    ...parameters.map((matcher) => `query ${matcher.name}`),
  ];
  return [path, ...names].join(", ");
}
