// HTTPRetry: when and how often a request is tried again (istio.networking.v1alpha3.HTTPRetry).
import { duration } from "../duration.ts";
import { bool, integer, object, type Rule, type SpecOf, string } from "../schema.ts";

/** Envoy's retry conditions for HTTP and gRPC (router filter, x-envoy-retry-on and x-envoy-retry-grpc-on). */
const conditions = new Set([
  "5xx",
  "gateway-error",
  "reset",
  "reset-before-request",
  "connect-failure",
  "envoy-ratelimited",
  "retriable-4xx",
  "refused-stream",
  "retriable-status-codes",
  "retriable-headers",
  "http3-post-connect-failure",
  "cancelled",
  "deadline-exceeded",
  "internal",
  "resource-exhausted",
  "unavailable",
]);

/** The words of `retryOn`, in order. */
export function retryWords(retryOn: string): string[] {
  return retryOn.split(",").map((word) => word.trim());
}

function isStatusCode(word: string): boolean {
  return /^[1-5]\d\d$/.test(word);
}

const knownConditions: Rule<string> = {
  message: `must list, with commas, HTTP status codes or ${[...conditions].join(", ")}`,
  test: (retryOn) => retryOn === "" || retryWords(retryOn).every((word) => conditions.has(word) || isStatusCode(word)),
};

const notNegative: Rule<number> = { message: "must be 0 or more", test: (value) => value >= 0 };

const needsAttempts: Rule<Record<string, unknown>> = {
  message: "retries with attempts 0 are off, yet other fields are set",
  at: "attempts",
  test: ({ attempts = 0, ...others }) => attempts !== 0 || Object.values(others).every((value) => value === undefined),
};

export const httpRetrySchema = object(
  {
    attempts: integer("int32", {
      description: "Retries after the first attempt; 0 turns retries off.",
      rules: [notNegative],
    }),
    perTryTimeout: duration({
      description: "Time limit of each attempt, the first included; the route's timeout where absent.",
      positive: true,
    }),
    retryOn: string({
      description:
        "Conditions for a retry, separated by commas: Envoy's words for HTTP and gRPC, or status codes such as 503.",
      default: "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes",
      rules: [knownConditions],
    }),
    retryRemoteLocalities: bool({
      description: "True lets retries go to endpoints of other localities.",
      default: false,
    }),
    retryIgnorePreviousHosts: bool({
      description: "True keeps retries away from endpoints that were already tried.",
      default: true,
    }),
    backoff: duration({ description: "Least wait between attempts.", default: "25ms", positive: true }),
  },
  { description: "Retries of failed requests.", rules: [needsAttempts] },
);

export type HttpRetry = SpecOf<typeof httpRetrySchema>;
