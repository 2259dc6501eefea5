// envoy.type.matcher.v3.StringMatcher
import type { StringMatcher } from "../../../gen/envoy/type/matcher/v3/string_pb.ts";
import { simulateErrors } from "../errors.ts";
import { matchesWhole } from "../regex/regex.ts";

/** @throws LateenError LAT2201 for matchers that are extensions */
export function matchesString(matcher: StringMatcher, value: string): boolean {
  const { matchPattern, ignoreCase } = matcher;
  const fold = (text: string): string => (ignoreCase ? text.toLowerCase() : text);
  switch (matchPattern.case) {
    case "exact":
      return fold(value) === fold(matchPattern.value);
    case "prefix":
      return fold(value).startsWith(fold(matchPattern.value));
    case "suffix":
      return fold(value).endsWith(fold(matchPattern.value));
    case "contains":
      return fold(value).includes(fold(matchPattern.value));
    case "safeRegex":
      return matchesWhole(matchPattern.value.regex, value); // ignore_case has no effect on expressions
    default:
      throw simulateErrors.cannotSimulate(`cannot simulate a string matcher of kind ${matchPattern.case ?? "none"}`);
  }
}
