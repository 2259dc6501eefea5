// VirtualService.spec.http[].corsPolicy → envoy.extensions.filters.http.cors.v3.CorsPolicy
import type { Any } from "@bufbuild/protobuf/wkt";
import { CorsPolicySchema } from "../../../gen/envoy/extensions/filters/http/cors/v3/cors_pb.ts";
import { parseDurationMs } from "../../config/duration.ts";
import type { CorsPolicy } from "../../config/virtual-service/cors.ts";
import { packAny } from "../any.ts";
import { buildFractionalPercent } from "./fractional-percent.ts";
import { buildRegexMatcher, buildStringMatcher } from "./string-matcher.ts";

/** Name of the filter whose per-route configuration this is. */
export const corsFilter = "envoy.filters.http.cors";

export function buildCorsPolicy(cors: CorsPolicy): Any {
  const origins = [
    ...(cors.allowOrigins ?? []).map((match) => buildStringMatcher(match)).filter((match) => match !== undefined),
    ...(cors.allowOrigin ?? []).map((origin) =>
      origin === "*"
        ? { matchPattern: { case: "safeRegex", value: buildRegexMatcher(".*") } as const }
        : { matchPattern: { case: "exact", value: origin } as const },
    ),
  ];
  const maxAgeMs = cors.maxAge === undefined ? undefined : parseDurationMs(cors.maxAge);
  return packAny(CorsPolicySchema, {
    allowOriginStringMatch: origins,
    allowMethods: (cors.allowMethods ?? []).join(","),
    allowHeaders: (cors.allowHeaders ?? []).join(","),
    exposeHeaders: (cors.exposeHeaders ?? []).join(","),
    ...(maxAgeMs === undefined ? {} : { maxAge: String(Math.floor(maxAgeMs / 1000)) }),
    ...(cors.allowCredentials === undefined ? {} : { allowCredentials: cors.allowCredentials }),
    // FORWARD is Envoy's and Istio's default for preflights from an origin that is not listed.
    forwardNotMatchingPreflights: cors.unmatchedPreflights !== "IGNORE",
    filterEnabled: { defaultValue: buildFractionalPercent(100) },
  });
}
