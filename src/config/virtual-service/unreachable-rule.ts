// Rules that no request can reach, with Istio's analysis codes.
import type { Finding } from "../kind.ts";
import { type At, finding } from "./finding.ts";
import { type HttpMatch, matchesEverything } from "./http-match.ts";
import type { HttpRoute } from "./http-route.ts";

/** VirtualServiceUnreachableRule. */
const unreachableRule = "IST0130";
/** VirtualServiceIneffectiveMatch. */
const ineffectiveMatch = "IST0131";

/** Finds the first rule that takes everything although others follow, and matches that repeat an earlier one. */
export function checkReachability(rules: readonly HttpRoute[], at: At): Finding[] {
  const found: Finding[] = [];
  const firstPlace = new Map<string, string>();
  for (const [index, rule] of rules.entries()) {
    if (takesEverything(rule)) {
      if (index < rules.length - 1) {
        const message = "matches every request, so the rules after it are never used";
        found.push(
          finding("warning", unreachableRule, [...at, index], message, "Move it to the end, or give it a match."),
        );
      }
      break;
    }
    found.push(...checkRepeats(rule.match ?? [], [...at, index], firstPlace));
  }
  return found;
}

function takesEverything(rule: HttpRoute): boolean {
  const matches = rule.match ?? [];
  return matches.length === 0 || matches.some(matchesEverything);
}

function checkRepeats(matches: readonly HttpMatch[], at: At, firstPlace: Map<string, string>): Finding[] {
  const repeats: Finding[] = [];
  for (const [index, match] of matches.entries()) {
    const here = [...at, "match", index];
    const key = canonical(conditionsOf(match));
    const place = firstPlace.get(key);
    const repeat = finding("info", ineffectiveMatch, here, `repeats ${place}, so it has no effect`, "Remove it.");
    if (place === undefined) firstPlace.set(key, repeat.path);
    else repeats.push(repeat);
  }
  if (repeats.length < matches.length) return repeats;
  const message = "every match of the rule repeats an earlier one, so the rule is never used";
  return [finding("warning", unreachableRule, at, message, "Remove the rule, or correct its matches.")];
}

/** The match without what only names it. */
function conditionsOf(match: HttpMatch): unknown {
  const { name: _name, statPrefix: _statPrefix, ...conditions } = match;
  return conditions;
}

/** JSON with sorted keys, so that equal conditions have equal text. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    inner !== null && typeof inner === "object" && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
