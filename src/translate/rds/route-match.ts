// VirtualService.spec.http[].match[].uri, VirtualService.spec.http[].match[].ignoreUriCase, VirtualService.spec.http[].match[].scheme, VirtualService.spec.http[].match[].method, VirtualService.spec.http[].match[].authority, VirtualService.spec.http[].match[].headers, VirtualService.spec.http[].match[].withoutHeaders, VirtualService.spec.http[].match[].queryParams → envoy.config.route.v3.RouteMatch

import { create } from "@bufbuild/protobuf";
import {
  type HeaderMatcher,
  HeaderMatcherSchema,
  type QueryParameterMatcher,
  QueryParameterMatcherSchema,
  type RouteMatch,
  RouteMatchSchema,
} from "../../../gen/envoy/config/route/v3/route_components_pb.ts";
import type { HttpMatch } from "../../config/virtual-service/http-match.ts";
import type { StringMatch } from "../../config/virtual-service/string-match.ts";
import { byKey } from "../../kernel/key-order.ts";
import { buildRegexMatcher, buildStringMatcher } from "./string-matcher.ts";

/** Keys among `headers` that the API says are not looked at. */
const ignoredKeys: ReadonlySet<string> = new Set(["uri", "scheme", "method", "authority"]);

/** @param match undefined: every request */
export function buildRouteMatch(match: HttpMatch | undefined): RouteMatch {
  const out = create(RouteMatchSchema, { pathSpecifier: pathSpecifier(match?.uri) });
  if (match === undefined) return out;
  if (match.ignoreUriCase === true) out.caseSensitive = false;
  for (const [pseudo, text] of [
    [":method", match.method],
    [":authority", match.authority],
    [":scheme", match.scheme],
  ] as const) {
    if (text !== undefined && Object.keys(text).length > 0) out.headers.push(buildHeaderMatcher(pseudo, text, false));
  }
  for (const [name, text] of byName(match.headers).filter(([name]) => !ignoredKeys.has(name)))
    out.headers.push(buildHeaderMatcher(name, text, false));
  for (const [name, text] of byName(match.withoutHeaders).filter(([name]) => !ignoredKeys.has(name)))
    out.headers.push(buildHeaderMatcher(name, text, true));
  for (const [name, text] of byName(match.queryParams)) out.queryParameters.push(buildQueryMatcher(name, text));
  return out;
}

function pathSpecifier(uri: StringMatch | undefined): RouteMatch["pathSpecifier"] {
  if (uri?.exact !== undefined) return { case: "path", value: uri.exact };
  if (uri?.prefix !== undefined) return { case: "prefix", value: uri.prefix };
  if (uri?.regex !== undefined) return { case: "safeRegex", value: buildRegexMatcher(uri.regex) };
  return { case: "prefix", value: "/" };
}

/** Map order must not decide the bytes. */
function byName(map: Record<string, StringMatch> | undefined): [string, StringMatch][] {
  return Object.entries(map ?? {}).sort(byKey);
}

/** VirtualService.spec.http[].match[].headers and withoutHeaders; an empty match asks for presence. */
function buildHeaderMatcher(name: string, match: StringMatch, invert: boolean): HeaderMatcher {
  const value = buildStringMatcher(match);
  return create(HeaderMatcherSchema, {
    name,
    invertMatch: invert,
    headerMatchSpecifier: value === undefined ? { case: "presentMatch", value: true } : { case: "stringMatch", value },
    // A request without the header is one that does not carry the unwanted value.
    ...(invert && value !== undefined ? { treatMissingHeaderAsEmpty: true } : {}),
  });
}

function buildQueryMatcher(name: string, match: StringMatch): QueryParameterMatcher {
  const value = buildStringMatcher(match);
  return create(QueryParameterMatcherSchema, {
    name,
    queryParameterMatchSpecifier:
      value === undefined ? { case: "presentMatch", value: true } : { case: "stringMatch", value },
  });
}
