// DestinationRule.spec.trafficPolicy.connectionPool.tcp.maxConnections, DestinationRule.spec.trafficPolicy.connectionPool.http.http1MaxPendingRequests, DestinationRule.spec.trafficPolicy.connectionPool.http.http2MaxRequests, DestinationRule.spec.trafficPolicy.connectionPool.http.maxRetries → envoy.config.cluster.v3.CircuitBreakers
import { create } from "@bufbuild/protobuf";
import {
  type CircuitBreakers,
  CircuitBreakersSchema,
} from "../../../gen/envoy/config/cluster/v3/circuit_breaker_pb.ts";
import type { ConnectionPool } from "../../config/destination-rule/connection-pool.ts";

/** Istio sets every threshold that is not stated to the maximum: Envoy's own defaults of 1024 would be a hidden limit. */
const unlimited = 2 ** 32 - 1;

export function buildCircuitBreakers(pool: ConnectionPool | undefined): CircuitBreakers {
  return create(CircuitBreakersSchema, {
    thresholds: [
      {
        maxConnections: positive(pool?.tcp?.maxConnections),
        maxPendingRequests: positive(pool?.http?.http1MaxPendingRequests),
        maxRequests: positive(pool?.http?.http2MaxRequests),
        maxRetries: positive(pool?.http?.maxRetries),
        trackRemaining: true,
      },
    ],
  });
}

function positive(value: number | undefined): number {
  return value === undefined || value <= 0 ? unlimited : value;
}
