// StringMatch of the API as envoy.type.matcher.v3.StringMatcher.
import { create } from "@bufbuild/protobuf";
import { type RegexMatcher, RegexMatcherSchema } from "../../../gen/envoy/type/matcher/v3/regex_pb.ts";
import { type StringMatcher, StringMatcherSchema } from "../../../gen/envoy/type/matcher/v3/string_pb.ts";
import type { StringMatch } from "../../config/virtual-service/string-match.ts";

/** RE2; Envoy matches the whole text. */
export function buildRegexMatcher(regex: string): RegexMatcher {
  return create(RegexMatcherSchema, { regex });
}

/** Undefined where the match asks for mere presence. */
export function buildStringMatcher(match: StringMatch, ignoreCase = false): StringMatcher | undefined {
  if (match.exact !== undefined) {
    return create(StringMatcherSchema, { ignoreCase, matchPattern: { case: "exact", value: match.exact } });
  }
  if (match.prefix !== undefined) {
    return create(StringMatcherSchema, { ignoreCase, matchPattern: { case: "prefix", value: match.prefix } });
  }
  if (match.regex !== undefined) {
    return create(StringMatcherSchema, { matchPattern: { case: "safeRegex", value: buildRegexMatcher(match.regex) } });
  }
  return undefined;
}
