// HTTPRoute: one rule of a VirtualService for HTTP (istio.networking.v1alpha3.HTTPRoute).
import { duration } from "../duration.ts";
import { list, object, type Rule, type SpecOf, string } from "../schema.ts";
import { corsPolicySchema } from "./cors.ts";
import { destination } from "./destination.ts";
import { directResponseSchema } from "./direct-response.ts";
import { checkFault, faultSchema } from "./fault.ts";
import type { At, Report } from "./finding.ts";
import { checkHeaders, headers } from "./header-operations.ts";
import { checkHttpMatch, httpMatchSchema } from "./http-match.ts";
import { httpRedirectSchema } from "./http-redirect.ts";
import { httpRetrySchema } from "./http-retry.ts";
import { httpRewriteSchema } from "./http-rewrite.ts";
import { checkLineTexts } from "./line-text.ts";
import { percent, wholePercent } from "./percent.ts";
import { routeWeight, weightRules } from "./route-weight.ts";

const httpRouteDestination = object(
  {
    destination: destination("Service that gets the request."),
    weight: routeWeight(),
    headers: headers("Changes to headers for requests that take this destination."),
  },
  { description: "A weighted destination.", required: ["destination"] },
);

export type HttpRouteDestination = SpecOf<typeof httpRouteDestination>;

const delegate = object(
  {
    name: string({ description: "Name of the VirtualService that holds the rules.", rules: [named()] }),
    namespace: string({ description: "Its namespace; the object's own where absent." }),
  },
  { description: "Takes the rules from another VirtualService.", pending: true },
);

function named(): Rule<string> {
  return { message: "must not be empty", test: (name) => name !== "" };
}

type Outcomes = Partial<Record<"route" | "redirect" | "directResponse" | "delegate" | "fault" | "rewrite", unknown>>;

const oneOutcome: Rule<Outcomes> = {
  message: "exactly one of route, redirect, directResponse, delegate must be set",
  test: ({ route, redirect, directResponse, delegate }) => {
    const routes = Array.isArray(route) && route.length > 0 ? route : undefined;
    return [routes, redirect, directResponse, delegate].filter((outcome) => outcome !== undefined).length === 1;
  },
};

/** A request that is answered at once is neither changed nor disturbed on its way to a destination. */
function onlyForwarded(field: "fault" | "rewrite"): Rule<Outcomes> {
  return {
    message: `${field} cannot be combined with redirect or directResponse`,
    at: field,
    test: (rule) => rule[field] === undefined || (rule.redirect === undefined && rule.directResponse === undefined),
  };
}

const oneMirrorForm: Rule<{ mirror?: unknown; mirrors?: unknown[] }> = {
  message: "mirror and mirrors cannot be combined",
  at: "mirrors",
  test: ({ mirror, mirrors = [] }) => mirror === undefined || mirrors.length === 0,
};

const mirrorPolicy = object(
  {
    destination: destination("Service that gets the copy."),
    percentage: percent("Share of requests to copy; all where absent."),
  },
  { description: "A destination for copies.", required: ["destination"] },
);

export const httpRouteSchema = object(
  {
    name: string({ description: "Name of the rule, shown in access logs." }),
    match: list(httpMatchSchema, {
      description: "Requests the rule is for; one match suffices. Without any, the rule is for every request.",
    }),
    route: list(httpRouteDestination, {
      description: "Destinations that share the requests by weight.",
      rules: [...weightRules],
    }),
    redirect: httpRedirectSchema,
    directResponse: directResponseSchema,
    delegate,
    rewrite: httpRewriteSchema,
    timeout: duration({
      description: "Time limit of the whole request, retries included; none where absent.",
      positive: true,
    }),
    retries: httpRetrySchema,
    fault: faultSchema,
    mirror: destination("Service that gets a copy of each request; its answers are dropped."),
    mirrors: list(mirrorPolicy, { description: "Services that get copies of requests; their answers are dropped." }),
    mirrorPercent: wholePercent("uint32", {
      description: "Share of requests to copy to mirror; use mirrorPercentage instead.",
      deprecated: true,
    }),
    mirror_percent: wholePercent("uint32", {
      description: "The old spelling of mirrorPercent; use mirrorPercentage instead.",
      deprecated: true,
    }),
    mirrorPercentage: percent("Share of requests to copy to mirror; all where absent."),
    corsPolicy: corsPolicySchema,
    headers: headers("Changes to headers for every request of the rule."),
  },
  {
    description: "A rule for HTTP requests. Rules are tried in order; the first whose match holds decides.",
    rules: [oneOutcome, onlyForwarded("fault"), onlyForwarded("rewrite"), oneMirrorForm],
  },
);

export type HttpRoute = SpecOf<typeof httpRouteSchema>;

export function checkHttpRoute(rule: HttpRoute, at: At, report: Report): void {
  for (const [index, match] of (rule.match ?? []).entries()) {
    checkHttpMatch(match, [...at, "match", index], report);
  }
  if (rule.fault !== undefined) checkFault(rule.fault, [...at, "fault"], report);
  checkLineTexts(rule, at, report);
  const rewritesAuthority = (rule.rewrite?.authority ?? "") !== "";
  checkHeaders(rule.headers, [...at, "headers"], report, rewritesAuthority);
  for (const [index, route] of (rule.route ?? []).entries()) {
    checkHeaders(route.headers, [...at, "route", index, "headers"], report);
  }
}
