// DestinationRule.spec.trafficPolicy.outlierDetection → envoy.config.cluster.v3.OutlierDetection
import { create } from "@bufbuild/protobuf";
import {
  type OutlierDetection,
  OutlierDetectionSchema,
} from "../../../gen/envoy/config/cluster/v3/outlier_detection_pb.ts";
import type { OutlierDetection as OutlierDetectionPolicy } from "../../config/destination-rule/outlier-detection.ts";
import { durationFrom } from "../duration.ts";

/** Only what the policy names is enforced; success-rate ejection stays off, as in Istio. */
export function buildOutlierDetection(policy: OutlierDetectionPolicy): OutlierDetection {
  const out = create(OutlierDetectionSchema, { enforcingSuccessRate: 0 });
  const consecutive5xx = policy.consecutive5xxErrors ?? policy.consecutiveErrors;
  if (consecutive5xx !== undefined) {
    out.consecutive5xx = consecutive5xx;
    out.enforcingConsecutive5xx = consecutive5xx > 0 ? 100 : 0;
  }
  if (policy.consecutiveGatewayErrors !== undefined) {
    out.consecutiveGatewayFailure = policy.consecutiveGatewayErrors;
    out.enforcingConsecutiveGatewayFailure = policy.consecutiveGatewayErrors > 0 ? 100 : 0;
  }
  if (policy.splitExternalLocalOriginErrors === true) {
    out.splitExternalLocalOriginErrors = true;
    if (policy.consecutiveLocalOriginFailures !== undefined) {
      out.consecutiveLocalOriginFailure = policy.consecutiveLocalOriginFailures;
      out.enforcingConsecutiveLocalOriginFailure = policy.consecutiveLocalOriginFailures > 0 ? 100 : 0;
      out.enforcingLocalOriginSuccessRate = 0;
    }
  }
  out.interval = durationFrom(policy.interval);
  out.baseEjectionTime = durationFrom(policy.baseEjectionTime);
  if (policy.maxEjectionPercent !== undefined && policy.maxEjectionPercent > 0)
    out.maxEjectionPercent = policy.maxEjectionPercent;
  return out;
}
