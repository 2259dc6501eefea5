// Values of policies (`exact`, `prefix*`, `*suffix`, `*`) as envoy.type.matcher.v3.StringMatcher.
import { create } from "@bufbuild/protobuf";
import { type StringMatcher, StringMatcherSchema } from "../../../gen/envoy/type/matcher/v3/string_pb.ts";

/** A wildcard alone matches anything that is not empty. Names are literal: no character of them is a pattern. */
export function buildValueMatcher(value: string, ignoreCase = false): StringMatcher {
  if (value === "*")
    return create(StringMatcherSchema, { matchPattern: { case: "safeRegex", value: { regex: ".+" } } });
  if (value.startsWith("*")) {
    return create(StringMatcherSchema, { ignoreCase, matchPattern: { case: "suffix", value: value.slice(1) } });
  }
  if (value.endsWith("*")) {
    return create(StringMatcherSchema, { ignoreCase, matchPattern: { case: "prefix", value: value.slice(0, -1) } });
  }
  return create(StringMatcherSchema, { ignoreCase, matchPattern: { case: "exact", value } });
}

export function buildRegexValue(regex: string): StringMatcher {
  return create(StringMatcherSchema, { matchPattern: { case: "safeRegex", value: { regex } } });
}
