// HTTPFaultInjection: delays and failures on purpose (istio.networking.v1alpha3.HTTPFaultInjection).
import { duration } from "../duration.ts";
import { atMostOne, integer, object, type Rule, type SpecOf, string } from "../schema.ts";
import { type At, dubious, type Report } from "./finding.ts";
import { percent, wholePercent } from "./percent.ts";
import { httpStatus } from "./status.ts";

/** Names of gRPC status codes (grpc/doc/statuscodes.md); a code's number is its place. */
export const grpcStatusNames: readonly string[] = [
  "OK",
  "CANCELLED",
  "UNKNOWN",
  "INVALID_ARGUMENT",
  "DEADLINE_EXCEEDED",
  "NOT_FOUND",
  "ALREADY_EXISTS",
  "PERMISSION_DENIED",
  "RESOURCE_EXHAUSTED",
  "FAILED_PRECONDITION",
  "ABORTED",
  "OUT_OF_RANGE",
  "UNIMPLEMENTED",
  "INTERNAL",
  "UNAVAILABLE",
  "DATA_LOSS",
  "UNAUTHENTICATED",
];

const knownGrpcStatus: Rule<string> = {
  message: "must be the name of a gRPC status such as UNAVAILABLE",
  test: (name) => grpcStatusNames.includes(name),
};

function needsOneOf(...fields: readonly string[]): Rule<Record<string, unknown>> {
  return {
    message: `one of ${fields.join(", ")} is needed`,
    test: (value) => fields.some((field) => value[field] !== undefined),
  };
}

const delay = object(
  {
    percent: wholePercent("int32", {
      description: "Share of requests to delay; use percentage instead.",
      deprecated: true,
    }),
    fixedDelay: duration({ description: "How long each chosen request waits before it is forwarded.", positive: true }),
    exponentialDelay: duration({
      description: "Mean of an exponentially spread delay.",
      positive: true,
      pending: true,
    }),
    percentage: percent("Share of requests to delay; none where absent."),
  },
  {
    description: "Delays requests before they are forwarded.",
    rules: [atMostOne("fixedDelay", "exponentialDelay"), needsOneOf("fixedDelay", "exponentialDelay")],
  },
);

const abort = object(
  {
    httpStatus: integer("int32", { description: "HTTP status to answer with, 200 to 599.", rules: [httpStatus] }),
    grpcStatus: string({
      description: "gRPC status to answer with, by name: UNAVAILABLE, NOT_FOUND and so on.",
      rules: [knownGrpcStatus],
    }),
    http2Error: string({ description: "HTTP/2 error to end the stream with.", pending: true }),
    percentage: percent("Share of requests to abort; none where absent."),
  },
  {
    description: "Answers requests with an error instead of forwarding them.",
    rules: [atMostOne("httpStatus", "grpcStatus", "http2Error"), needsOneOf("httpStatus", "grpcStatus", "http2Error")],
  },
);

export const faultSchema = object(
  { delay, abort },
  {
    description: "Faults injected at the client's side, to test how callers cope; delays and aborts are independent.",
    rules: [needsOneOf("delay", "abort")],
  },
);

export type Fault = SpecOf<typeof faultSchema>;

/** A fault without a share concerns no request, which its author hardly means. */
export function checkFault(fault: Fault, at: At, report: Report): void {
  const remedy = "Set percentage: {value: 100} for all requests.";
  if (fault.delay !== undefined && fault.delay.percentage === undefined && fault.delay.percent === undefined) {
    report(dubious([...at, "delay"], "without a percentage no request is delayed", remedy));
  }
  if (fault.abort !== undefined && fault.abort.percentage === undefined) {
    report(dubious([...at, "abort"], "without a percentage no request is aborted", remedy));
  }
}
