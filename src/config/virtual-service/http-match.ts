// HTTPMatchRequest: which requests a rule is for (istio.networking.v1alpha3.HTTPMatchRequest).
import { utf8 } from "../../kernel/bytes.ts";
import { bool, list, map, object, type SpecOf, string } from "../schema.ts";
import { type At, broken, dubious, notCarriedOut, type Report } from "./finding.ts";
import { gatewayName } from "./gateway-name.ts";
import { isHeaderName, isRequestPseudoHeader } from "./header-name.ts";
import { portNumber } from "./port.ts";
import { type StringMatch, stringMatch } from "./string-match.ts";

export const httpMatchSchema = object(
  {
    name: string({ description: "Name of the match, joined to the route's name in access logs." }),
    uri: stringMatch("The path of the request, without the query."),
    scheme: stringMatch("The scheme of the request: http or https."),
    method: stringMatch("The method of the request, such as GET."),
    authority: stringMatch("The authority (Host) of the request."),
    headers: map(stringMatch("How the value must look; an empty match asks only that the header is there."), {
      description: "Headers of the request by name, all of which must match.",
    }),
    port: portNumber({ description: "Port of the service that the client calls." }),
    sourceLabels: map(string({ description: "Value of the label." }), {
      description: "Labels that the calling workload must carry.",
    }),
    gateways: list(string({ rules: [gatewayName] }), {
      description: "Gateways the match is for, in place of the object's own list; mesh means all sidecars.",
    }),
    queryParams: map(stringMatch("How the value must look; an empty match asks only that the parameter is there."), {
      description: "Query parameters by name, all of which must match.",
    }),
    ignoreUriCase: bool({
      description: "True compares exact and prefix matches of the uri without regard to case.",
      default: false,
    }),
    withoutHeaders: map(stringMatch("How the value must not look; an empty match asks that the header is absent."), {
      description: "Headers of the request by name, none of which may match.",
    }),
    sourceNamespace: string({ description: "Namespace that the calling workload must be in." }),
    statPrefix: string({ description: "Prefix of the statistics of requests that match.", pending: true }),
  },
  { description: "Conditions that must all hold. An empty match holds for every request." },
);

export type HttpMatch = SpecOf<typeof httpMatchSchema>;

/** Header keys that the API says are not looked at, because fields of the match say the same. */
const ignoredHeaderKeys = ["uri", "scheme", "method", "authority"];

/** Longest name of a query parameter that Envoy looks for, bytes (envoy.config.route.v3.QueryParameterMatcher). */
const longestParameterBytes = 1024;

/** Prefix of header keys that stand for claims of a JWT, which only gateways look at. */
const claimPrefix = "@request.auth.claims";

export function checkHttpMatch(match: HttpMatch, at: At, report: Report): void {
  for (const field of ["headers", "withoutHeaders"] as const) {
    for (const name of Object.keys(match[field] ?? {})) checkHeaderKey(name, [...at, field, name], report);
  }
  for (const name of Object.keys(match.queryParams ?? {})) {
    const here = [...at, "queryParams", name];
    if (name === "") report(broken(here, "a query parameter needs a name"));
    else if (utf8(name).length > longestParameterBytes) {
      const message = `the name of a query parameter must be at most ${longestParameterBytes} bytes long`;
      report(broken(here, message, "Shorten it."));
    }
  }
  checkPath(match.uri, [...at, "uri"], report);
}

function checkHeaderKey(name: string, at: At, report: Report): void {
  if (ignoredHeaderKeys.includes(name)) {
    report(dubious(at, `the key ${name} is ignored among headers`, `Use the field ${name} of the match.`));
  } else if (name.startsWith(claimPrefix)) {
    report(notCarriedOut(at, "valid, but proxies do not route by claims yet"));
  } else if (!isHeaderName(name) && !isRequestPseudoHeader(name)) {
    report(broken(at, "is not the name of an HTTP header"));
  }
}

function checkPath(uri: StringMatch | undefined, at: At, report: Report): void {
  for (const form of ["exact", "prefix"] as const) {
    const path = uri?.[form];
    if (path === undefined || path.startsWith("/") || path === "*") continue;
    report(dubious([...at, form], "never matches: paths begin with /", "Put a / at the beginning."));
  }
}

/** True where the match holds for every request that reaches the rule. */
export function matchesEverything(match: HttpMatch): boolean {
  const { name: _name, statPrefix: _statPrefix, ignoreUriCase: _ignoreUriCase, uri, ...conditions } = match;
  const wholePath = uri === undefined || uri.prefix === "/" || uri.regex === ".*" || Object.keys(uri).length === 0;
  return wholePath && Object.values(conditions).every(isEmpty);
}

function isEmpty(condition: unknown): boolean {
  return condition === undefined || (typeof condition === "object" && Object.keys(condition ?? {}).length === 0);
}
