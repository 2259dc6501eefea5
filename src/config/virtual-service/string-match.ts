// StringMatch: how a text must look (istio.networking.v1alpha3.StringMatch).
import { atMostOne, object, type Rule, type SpecOf, string } from "../schema.ts";
import { checkRe2, regexLengthLimit } from "./re2.ts";
import type { Re2Fault } from "./re2-cursor.ts";

const notEmpty: Rule<string> = { message: "must not be empty", test: (text) => text !== "" };

/** All rules below ask about one text after the other; it is read once for all of them. */
let latest: { text: string; result: ReturnType<typeof checkRe2> } | undefined;

function without(fault: Re2Fault, message: string): Rule<string> {
  return {
    message,
    test: (text) => {
      if (text.length > regexLengthLimit) return true; // said by the rule on length
      if (latest?.text !== text) latest = { text, result: checkRe2(text) };
      return !("fault" in latest.result) || latest.result.fault !== fault;
    },
  };
}

const shortEnough: Rule<string> = {
  message: `must be at most ${regexLengthLimit} characters long`,
  test: (text) => text.length <= regexLengthLimit,
};

/** What any regular expression from a user must keep to before Envoy sees it. */
export const regexRules: readonly Rule<string>[] = [
  notEmpty,
  shortEnough,
  without("lookaround", "uses lookahead or lookbehind, which RE2 does not have"),
  without("backreference", "uses a backreference, which RE2 does not have"),
  without("repetition", "repeats more than 1000 times, which RE2 refuses"),
  without("tooLarge", "unfolds to a program larger than Envoy accepts"),
  without("syntax", "is not a regular expression in RE2 syntax"),
];

/** Exact text, prefix or regular expression; without any of them, the mere presence where the field allows that. */
export function stringMatch(description: string, rules: readonly Rule<never>[] = []) {
  return object(
    {
      exact: string({ description: "The whole text, case-sensitive unless the match says otherwise." }),
      prefix: string({ description: "The beginning of the text.", rules: [notEmpty] }),
      regex: string({
        description: "A regular expression in RE2 syntax that the whole text must match.",
        rules: [...regexRules],
      }),
    },
    { description, rules: [atMostOne("exact", "prefix", "regex"), ...rules] },
  );
}

export type StringMatch = SpecOf<ReturnType<typeof stringMatch>>;
