// OutlierDetection: endpoints that fail are left out for a while (istio.networking.v1alpha3.OutlierDetection).
import { duration } from "../duration.ts";
import { bool, integer, list, object, type Rule, type SpecOf } from "../schema.ts";
import { notNegative, percentage } from "./bounds.ts";

const splitNeeded: Rule<{ consecutiveLocalOriginFailures?: number; splitExternalLocalOriginErrors?: boolean }> = {
  message: "counts only while splitExternalLocalOriginErrors is true",
  at: "consecutiveLocalOriginFailures",
  test: (outlier) =>
    (outlier.consecutiveLocalOriginFailures ?? 0) === 0 || outlier.splitExternalLocalOriginErrors === true,
};

export const outlierDetectionSchema = object(
  {
    consecutiveErrors: integer("int32", {
      description: "Gateway errors in a row before an endpoint is ejected; use consecutiveGatewayErrors instead.",
      deprecated: true,
      rules: [notNegative],
    }),
    splitExternalLocalOriginErrors: bool({
      description: "True counts failures to connect apart from errors that the endpoint answers.",
      default: false,
    }),
    consecutiveLocalOriginFailures: integer("uint32", {
      description: "Failures to connect in a row before an endpoint is ejected; needs splitExternalLocalOriginErrors.",
      default: 5,
    }),
    consecutiveGatewayErrors: integer("uint32", {
      description: "Answers 502, 503 or 504 in a row before an endpoint is ejected; 0 or absent switches it off.",
    }),
    consecutive5xxErrors: integer("uint32", {
      description: "Answers of 5xx in a row before an endpoint is ejected; 0 switches it off.",
      default: 5,
    }),
    interval: duration({ description: "Time between looks at the endpoints.", default: "10s", positive: true }),
    baseEjectionTime: duration({
      description: "Time of a first ejection; each further one of the same endpoint lasts longer by it.",
      default: "30s",
      positive: true,
    }),
    maxEjectionPercent: integer("int32", {
      description: "Most endpoints that may be ejected at once, percent.",
      default: 10,
      rules: [percentage],
    }),
    minHealthPercent: integer("int32", {
      description: "Percent of healthy endpoints below which all endpoints get traffic, ejected or not.",
      default: 0,
      rules: [percentage],
    }),
    outlierDetectionHttpErrorCodes: list(
      integer("int32", { description: "An HTTP status.", minimum: 100, maximum: 599 }),
      { description: "Statuses that count as errors, in place of 5xx.", pending: true },
    ),
  },
  { description: "Leaves out endpoints that fail too often.", rules: [splitNeeded] },
);

export type OutlierDetection = SpecOf<typeof outlierDetectionSchema>;
