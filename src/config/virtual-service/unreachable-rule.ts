// Rules that no request can reach, with Istio's analysis codes.

import { isFields } from "../../kernel/fields.ts";
import { byKey } from "../../kernel/key-order.ts";
import { formatPath } from "../field-path.ts";
import type { Finding } from "../kind.ts";
import { type At, finding, type Report } from "./finding.ts";
import { type HttpMatch, matchesEverything } from "./http-match.ts";
import type { HttpRoute } from "./http-route.ts";

/** VirtualServiceUnreachableRule. */
const unreachableRule = "IST0130";
/** VirtualServiceIneffectiveMatch. */
const ineffectiveMatch = "IST0131";

/** Finds the first rule that takes everything although others follow, and matches that repeat an earlier one. */
export function checkReachability(rules: readonly HttpRoute[], at: At, report: Report): void {
  const firstPlace = new Map<string, string>();
  for (const [index, rule] of rules.entries()) {
    const here = [...at, index];
    if (takesEverything(rule)) {
      const message = "matches every request, so the rules after it are never used";
      const remedy = "Move it to the end, or give it a match.";
      if (index < rules.length - 1) report(finding("warning", unreachableRule, here, message, remedy));
      return;
    }
    checkRepeats(rule.match ?? [], here, firstPlace, report);
  }
}

function takesEverything(rule: HttpRoute): boolean {
  const matches = rule.match ?? [];
  return matches.length === 0 || matches.some(matchesEverything);
}

/** @param firstPlace path of the first match with the same conditions; grows with each new one */
function checkRepeats(matches: readonly HttpMatch[], at: At, firstPlace: Map<string, string>, report: Report): void {
  const repeats: Finding[] = [];
  for (const [index, match] of matches.entries()) {
    const here = [...at, "match", index];
    const key = canonical(conditionsOf(match));
    const place = firstPlace.get(key);
    if (place === undefined) firstPlace.set(key, formatPath(here));
    else repeats.push(finding("info", ineffectiveMatch, here, `repeats ${place}, so it has no effect`, "Remove it."));
  }
  if (repeats.length < matches.length) {
    for (const repeat of repeats) report(repeat);
  } else {
    const message = "every match of the rule repeats an earlier one, so the rule is never used";
    report(finding("warning", unreachableRule, at, message, "Remove the rule, or correct its matches."));
  }
}

/** The match without what only names it. */
function conditionsOf(match: HttpMatch): unknown {
  const { name: _name, statPrefix: _statPrefix, ...conditions } = match;
  return conditions;
}

/** JSON with sorted keys, so that equal conditions have equal text. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    isFields(inner) ? Object.fromEntries(Object.entries(inner).sort(byKey)) : inner,
  );
}
