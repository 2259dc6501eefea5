// VirtualService.spec.http[].retries → envoy.config.route.v3.RouteAction.retry_policy
import { create } from "@bufbuild/protobuf";
import { type RetryPolicy, RetryPolicySchema } from "../../../gen/envoy/config/route/v3/route_components_pb.ts";
import { PreviousHostsPredicateSchema } from "../../../gen/envoy/extensions/retry/host/previous_hosts/v3/previous_hosts_pb.ts";
import { PreviousPrioritiesConfigSchema } from "../../../gen/envoy/extensions/retry/priority/previous_priorities/v3/previous_priorities_config_pb.ts";
import type { HttpRetry } from "../../config/virtual-service/http-retry.ts";
import { packAny } from "../any.ts";
import { durationFrom } from "../duration.ts";

/** Istio's defaults (pilot/pkg/networking/core/route/retry). */
const defaultRetryOn = "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes";
const defaultAttempts = 2;
const hostSelectionAttempts = 5n;

/**
 * @param retries undefined: Istio's default policy
 * @param sticky a consistent-hash destination: trying another host, unless the author asks for it, would break the stickiness
 * @returns undefined where retries are switched off: `attempts` is 0 or not said
 */
export function buildRetryPolicy(retries: HttpRetry | undefined, sticky: boolean): RetryPolicy | undefined {
  if (retries !== undefined && (retries.attempts ?? 0) <= 0) return undefined;
  const { conditions, statusCodes } = readRetryOn(retries?.retryOn);
  const out = create(RetryPolicySchema, {
    retryOn: conditions,
    numRetries: retries?.attempts ?? defaultAttempts,
    retriableStatusCodes: statusCodes,
    hostSelectionRetryMaxAttempts: hostSelectionAttempts,
  });
  const perTryTimeout = durationFrom(retries?.perTryTimeout);
  if (perTryTimeout !== undefined) out.perTryTimeout = perTryTimeout;
  const backoff = durationFrom(retries?.backoff);
  if (backoff !== undefined)
    out.retryBackOff = create(RetryPolicySchema, { retryBackOff: { baseInterval: backoff } }).retryBackOff;
  if (retries?.retryIgnorePreviousHosts ?? !sticky) {
    out.retryHostPredicate = create(RetryPolicySchema, {
      retryHostPredicate: [
        {
          name: "envoy.retry_host_predicates.previous_hosts",
          configType: { case: "typedConfig", value: packAny(PreviousHostsPredicateSchema, {}) },
        },
      ],
    }).retryHostPredicate;
  }
  if (retries?.retryRemoteLocalities === true) {
    out.retryPriority = create(RetryPolicySchema, {
      retryPriority: {
        name: "envoy.retry_priorities.previous_priorities",
        configType: { case: "typedConfig", value: packAny(PreviousPrioritiesConfigSchema, { updateFrequency: 2 }) },
      },
    }).retryPriority;
  }
  return out;
}

/** Numbers in `retryOn` are status codes; the words are Envoy's. */
function readRetryOn(text: string | undefined): { conditions: string; statusCodes: number[] } {
  if (text === undefined || text.trim() === "") return { conditions: defaultRetryOn, statusCodes: [] };
  const words = text
    .split(",")
    .map((word) => word.trim())
    .filter((word) => word !== "");
  const statusCodes = words.filter((word) => /^\d+$/.test(word)).map(Number);
  const conditions = words.filter((word) => !/^\d+$/.test(word));
  if (statusCodes.length > 0 && !conditions.includes("retriable-status-codes"))
    conditions.push("retriable-status-codes");
  return { conditions: conditions.join(","), statusCodes };
}
