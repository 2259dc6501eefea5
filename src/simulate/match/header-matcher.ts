// envoy.config.route.v3.HeaderMatcher
import type { HeaderMatcher } from "../../../gen/envoy/config/route/v3/route_components_pb.ts";
import { simulateErrors } from "../errors.ts";
import type { HeaderMap } from "../http/http-request.ts";
import { matchesWhole } from "../regex/regex.ts";
import { matchesString } from "./string-matcher.ts";

/** A header that is absent matches nothing but `present_match: false` and its inversion, unless it is taken as empty. */
export function matchesHeader(matcher: HeaderMatcher, headers: HeaderMap): boolean {
  const found = headers.get(matcher.name.toLowerCase());
  const { headerMatchSpecifier: specifier, invertMatch } = matcher;
  if (specifier.case === "presentMatch" || specifier.case === undefined) {
    const wanted = specifier.case === undefined ? true : specifier.value;
    return ((found !== undefined) === wanted) !== invertMatch;
  }
  const value = found ?? (matcher.treatMissingHeaderAsEmpty ? "" : undefined);
  if (value === undefined) return false;
  return matchesValue(specifier, value) !== invertMatch;
}

function matchesValue(specifier: HeaderMatcher["headerMatchSpecifier"], value: string): boolean {
  switch (specifier.case) {
    case "stringMatch":
      return matchesString(specifier.value, value);
    case "exactMatch":
      return value === specifier.value;
    case "prefixMatch":
      return value.startsWith(specifier.value);
    case "suffixMatch":
      return value.endsWith(specifier.value);
    case "containsMatch":
      return value.includes(specifier.value);
    case "safeRegexMatch":
      return matchesWhole(specifier.value.regex, value);
    case "rangeMatch": {
      if (!/^-?\d{1,18}$/.test(value)) return false;
      const number = BigInt(value);
      return number >= specifier.value.start && number < specifier.value.end;
    }
    default:
      throw simulateErrors.cannotSimulate(`cannot simulate a header matcher of kind ${specifier.case ?? "none"}`);
  }
}
