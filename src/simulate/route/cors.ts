// envoy.extensions.filters.http.cors.v3.CorsPolicy of a route: what a browser's request of another origin gets.
import type { Any } from "@bufbuild/protobuf/wkt";
import { CorsPolicySchema } from "../../../gen/envoy/extensions/filters/http/cors/v3/cors_pb.ts";
import type { HeaderMap } from "../http/http-request.ts";
import { onlyFields, unpackAs } from "../known-fields.ts";
import { matchesString } from "../match/string-matcher.ts";
import { percentOf } from "./fraction.ts";

export type CorsOutcome =
  /** No Origin header, or one that is not listed: the request goes on without CORS headers. */
  | { readonly kind: "none" }
  /** The response gets these headers. */
  | { readonly kind: "allowed"; readonly responseHeaders: Readonly<Record<string, string>> }
  /** A preflight request that the proxy answers itself, with 200. */
  | { readonly kind: "answered"; readonly responseHeaders: Readonly<Record<string, string>> };

const knownFields = new Set([
  "allow_origin_string_match",
  "allow_methods",
  "allow_headers",
  "expose_headers",
  "max_age",
  "allow_credentials",
  "filter_enabled",
  "forward_not_matching_preflights",
]);

export function corsOutcome(any: Any, headers: HeaderMap, place: string): CorsOutcome {
  const policy = unpackAs(CorsPolicySchema, any, place);
  onlyFields(CorsPolicySchema, policy, knownFields);
  const origin = headers.get("origin");
  const enabled = policy.filterEnabled === undefined || percentOf(policy.filterEnabled.defaultValue) === 100;
  if (origin === undefined || !enabled) return { kind: "none" };
  const preflight = headers.get(":method") === "OPTIONS" && headers.has("access-control-request-method");
  if (!policy.allowOriginStringMatch.some((matcher) => matchesString(matcher, origin))) {
    const forwards = policy.forwardNotMatchingPreflights !== false;
    return preflight && !forwards ? { kind: "answered", responseHeaders: {} } : { kind: "none" };
  }
  const responseHeaders: Record<string, string> = { "access-control-allow-origin": origin };
  const add = (name: string, value: string): void => {
    if (value !== "") responseHeaders[`access-control-${name}`] = value;
  };
  add("allow-credentials", policy.allowCredentials === true ? "true" : "");
  if (!preflight) {
    add("expose-headers", policy.exposeHeaders);
    return { kind: "allowed", responseHeaders };
  }
  add("allow-methods", policy.allowMethods);
  add("allow-headers", policy.allowHeaders);
  add("max-age", policy.maxAge);
  return { kind: "answered", responseHeaders };
}
