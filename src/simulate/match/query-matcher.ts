// envoy.config.route.v3.QueryParameterMatcher
import type { QueryParameterMatcher } from "../../../gen/envoy/config/route/v3/route_components_pb.ts";
import { simulateErrors } from "../errors.ts";
import { afterPath } from "./path-matcher.ts";
import { matchesString } from "./string-matcher.ts";

/** First value of each parameter, as it stands in the path: Envoy decodes nothing. */
export function queryParameters(path: string): ReadonlyMap<string, string> {
  const query = afterPath(path).split("#", 1)[0] ?? "";
  const parameters = new Map<string, string>();
  if (!query.startsWith("?")) return parameters;
  for (const pair of query.slice(1).split("&")) {
    const equals = pair.indexOf("=");
    const name = equals < 0 ? pair : pair.slice(0, equals);
    if (!parameters.has(name)) parameters.set(name, equals < 0 ? "" : pair.slice(equals + 1));
  }
  return parameters;
}

export function matchesQuery(matcher: QueryParameterMatcher, parameters: ReadonlyMap<string, string>): boolean {
  const value = parameters.get(matcher.name);
  const specifier = matcher.queryParameterMatchSpecifier;
  switch (specifier.case) {
    case undefined:
      return value !== undefined;
    case "presentMatch":
      return (value !== undefined) === specifier.value;
    case "stringMatch":
      return value !== undefined && matchesString(specifier.value, value);
    default:
      throw simulateErrors.cannotSimulate("cannot simulate this matcher of query parameters");
  }
}
