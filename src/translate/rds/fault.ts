// VirtualService.spec.http[].fault → envoy.extensions.filters.http.fault.v3.HTTPFault
import { create } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import { FaultDelaySchema } from "../../../gen/envoy/extensions/filters/common/fault/v3/fault_pb.ts";
import { FaultAbortSchema, HTTPFaultSchema } from "../../../gen/envoy/extensions/filters/http/fault/v3/fault_pb.ts";
import { type Fault, grpcStatusNames } from "../../config/virtual-service/fault.ts";
import { packAny } from "../any.ts";
import { durationFrom } from "../duration.ts";
import { buildFractionalPercent } from "./fractional-percent.ts";

/** Name of the filter whose per-route configuration this is. */
export const faultFilter = "envoy.filters.http.fault";

/** Without a percentage no request is affected, as in Istio. */
export function buildFault(fault: Fault): Any {
  const abort = buildAbort(fault.abort);
  const delay = buildDelay(fault.delay);
  return packAny(HTTPFaultSchema, {
    ...(abort === undefined ? {} : { abort }),
    ...(delay === undefined ? {} : { delay }),
  });
}

function buildAbort(abort: Fault["abort"]) {
  if (abort === undefined) return undefined;
  const percentage = buildFractionalPercent(abort.percentage?.value ?? 0);
  if (abort.httpStatus !== undefined) {
    return create(FaultAbortSchema, { errorType: { case: "httpStatus", value: abort.httpStatus }, percentage });
  }
  if (abort.grpcStatus !== undefined) {
    const value = grpcStatusNames.indexOf(abort.grpcStatus);
    return create(FaultAbortSchema, { errorType: { case: "grpcStatus", value }, percentage });
  }
  return undefined;
}

function buildDelay(delay: Fault["delay"]) {
  const fixedDelay = durationFrom(delay?.fixedDelay);
  if (fixedDelay === undefined) return undefined;
  return create(FaultDelaySchema, {
    faultDelaySecifier: { case: "fixedDelay", value: fixedDelay },
    percentage: buildFractionalPercent(
      delay?.percentage === undefined ? (delay?.percent ?? 0) : (delay.percentage.value ?? 0),
    ),
  });
}
