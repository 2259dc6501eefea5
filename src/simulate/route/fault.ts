// envoy.extensions.filters.http.fault.v3.HTTPFault of a route.
import type { Any } from "@bufbuild/protobuf/wkt";
import { FaultDelaySchema } from "../../../gen/envoy/extensions/filters/common/fault/v3/fault_pb.ts";
import { FaultAbortSchema, HTTPFaultSchema } from "../../../gen/envoy/extensions/filters/http/fault/v3/fault_pb.ts";
import { simulateErrors } from "../errors.ts";
import { onlyFields, unpackAs } from "../known-fields.ts";
import { durationMs } from "./duration.ts";
import { percentOf } from "./fraction.ts";

export interface SimulatedFault {
  /** Share of requests, percent, that wait so long before they go on. */
  readonly delay: { readonly ms: number; readonly percent: number } | undefined;
  /** Share of requests, percent, that are answered with this status; gRPC requests get the gRPC status. */
  readonly abort:
    | { readonly percent: number; readonly httpStatus: number }
    | { readonly percent: number; readonly grpcStatus: number }
    | undefined;
}

const knownFields = new Set(["delay", "abort"]);
const knownDelayFields = new Set(["fixed_delay", "percentage"]);
const knownAbortFields = new Set(["http_status", "grpc_status", "percentage"]);

export function readFault(any: Any, place: string): SimulatedFault {
  const fault = unpackAs(HTTPFaultSchema, any, place);
  onlyFields(HTTPFaultSchema, fault, knownFields);
  const { delay, abort } = fault;
  if (delay !== undefined) onlyFields(FaultDelaySchema, delay, knownDelayFields);
  if (abort !== undefined) onlyFields(FaultAbortSchema, abort, knownAbortFields);
  return {
    delay:
      delay?.faultDelaySecifier.case === "fixedDelay"
        ? { ms: durationMs(delay.faultDelaySecifier.value), percent: percentOf(delay.percentage) }
        : undefined,
    abort: abort === undefined ? undefined : readAbort(abort.errorType, percentOf(abort.percentage)),
  };
}

type ErrorType = { case: string | undefined; value?: unknown };

function readAbort(error: ErrorType, percent: number): SimulatedFault["abort"] {
  if (error.case === "httpStatus") return { percent, httpStatus: Number(error.value) };
  if (error.case === "grpcStatus") return { percent, grpcStatus: Number(error.value) };
  throw simulateErrors.cannotSimulate(`cannot simulate an abort by ${error.case ?? "nothing"}`);
}
