// CorsPolicy: which foreign origins a browser may call from (istio.networking.v1alpha3.CorsPolicy).
import { duration, parseDurationMs } from "../duration.ts";
import { bool, list, object, oneOfStrings, type Rule, type SpecOf, string } from "../schema.ts";
import { headerName, isHeaderName } from "./header-name.ts";
import { type StringMatch, stringMatch } from "./string-match.ts";

const methodName: Rule<string> = {
  message: "must be an HTTP method or *",
  test: isHeaderName, // methods are tokens too (RFC 9110 section 9.1)
};

const saysHow: Rule<StringMatch> = {
  message: "an origin needs one of exact, prefix, regex",
  test: ({ exact = "", prefix = "", regex = "" }) => exact !== "" || prefix !== "" || regex !== "",
};

const wholeSeconds: Rule<string> = {
  message: "must be a whole number of seconds, as the Access-Control-Max-Age header is",
  test: (text) => (parseDurationMs(text) ?? 0) % 1000 === 0,
};

export const corsPolicySchema = object(
  {
    allowOrigin: list(string({ description: "An origin, or *." }), {
      description: "Origins that may call, spelled exactly; use allowOrigins instead.",
      deprecated: true,
    }),
    allowOrigins: list(stringMatch("How the Origin header of a request must look.", [saysHow]), {
      description: "Origins that may call; one match suffices.",
    }),
    allowMethods: list(string({ rules: [methodName] }), {
      description: "Methods that may be used; the Access-Control-Allow-Methods header.",
    }),
    allowHeaders: list(string({ rules: [headerName] }), {
      description: "Request headers that may be used; the Access-Control-Allow-Headers header.",
    }),
    exposeHeaders: list(string({ rules: [headerName] }), {
      description: "Response headers that scripts may read; the Access-Control-Expose-Headers header.",
    }),
    maxAge: duration({
      description: "How long a browser may remember the answer to a preflight request, whole seconds.",
      positive: true,
      rules: [wholeSeconds],
    }),
    allowCredentials: bool({ description: "True lets requests carry credentials.", default: false }),
    unmatchedPreflights: oneOfStrings(["UNSPECIFIED", "FORWARD", "IGNORE"], {
      description:
        "What happens to preflight requests of other origins: FORWARD sends them to the destination, IGNORE answers them without CORS headers.",
      default: "FORWARD",
    }),
  },
  { description: "Cross-origin resource sharing." },
);

export type CorsPolicy = SpecOf<typeof corsPolicySchema>;
