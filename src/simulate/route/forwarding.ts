// envoy.config.route.v3.RouteAction: how a request is forwarded.
import {
  WeightedCluster_ClusterWeightSchema as ClusterWeightSchema,
  type RetryPolicy,
  type Route,
  type RouteAction,
  RouteActionSchema,
  type RouteMatch,
} from "../../../gen/envoy/config/route/v3/route_components_pb.ts";
import type { EnvoyResources } from "../envoy-resources.ts";
import { simulateErrors } from "../errors.ts";
import { onlyFields } from "../known-fields.ts";
import { type Destination, sharedDestinations } from "../upstream/destination.ts";
import { durationMs } from "./duration.ts";
import { percentOf } from "./fraction.ts";
import { type HeaderChanges, headerChanges } from "./header-changes.ts";
import { rewrittenAuthority, rewrittenPath } from "./rewrite.ts";

export interface HttpForwarding {
  readonly destinations: readonly HttpDestination[];
  /** Path and query as the destination sees them. */
  readonly path: string;
  /** 0: no limit. */
  readonly timeoutMs: number;
  /** Undefined where nothing is tried again. */
  readonly retries: Retries | undefined;
  readonly mirrors: readonly { readonly cluster: string; readonly percent: number }[];
  /** What the same endpoint is chosen by, in Envoy's words: `header x-user`. */
  readonly hash: readonly string[];
}

export interface HttpDestination extends Destination {
  readonly authority: string;
  readonly requestHeaders: HeaderChanges;
  readonly responseHeaders: HeaderChanges;
}

export interface Retries {
  /** Beside the first attempt. */
  readonly attempts: number;
  readonly on: readonly string[];
  readonly statusCodes: readonly number[];
  readonly perTryTimeoutMs: number | undefined;
}

const knownFields = new Set([
  "cluster",
  "weighted_clusters",
  "timeout",
  "retry_policy",
  "request_mirror_policies",
  "hash_policy",
  "max_stream_duration",
  "prefix_rewrite",
  "regex_rewrite",
  "host_rewrite_literal",
]);

const knownWeightFields = new Set([
  "name",
  "weight",
  "host_rewrite_literal",
  "request_headers_to_add",
  "request_headers_to_remove",
  "response_headers_to_add",
  "response_headers_to_remove",
]);

/** Envoy's own (RouteAction.timeout). */
const defaultTimeoutMs = 15_000;

export function readForwarding(
  resources: EnvoyResources,
  route: Route,
  action: RouteAction,
  match: RouteMatch,
  request: { path: string; authority: string },
): HttpForwarding {
  onlyFields(RouteActionSchema, action, knownFields);
  return {
    destinations: readDestinations(resources, route, action, request.authority),
    path: rewrittenPath(action, match, request.path),
    timeoutMs: timeoutOf(action),
    retries: action.retryPolicy === undefined ? undefined : readRetries(action.retryPolicy),
    mirrors: action.requestMirrorPolicies.map(({ cluster, runtimeFraction }) => ({
      cluster,
      percent: runtimeFraction === undefined ? 100 : percentOf(runtimeFraction.defaultValue),
    })),
    hash: action.hashPolicy.map(({ policySpecifier: specifier }) => {
      if (specifier.case === "header") return `header ${specifier.value.headerName}`;
      if (specifier.case === "cookie") return `cookie ${specifier.value.name}`;
      if (specifier.case === "queryParameter") return `query ${specifier.value.name}`;
      if (specifier.case === "connectionProperties") return "source ip";
      throw simulateErrors.cannotSimulate(`cannot simulate a hash policy of kind ${specifier.case ?? "none"}`);
    }),
  };
}

/** Envoy does not look at `timeout` where max_stream_duration is set. */
function timeoutOf({ timeout, maxStreamDuration }: RouteAction): number {
  if (maxStreamDuration === undefined) return timeout === undefined ? defaultTimeoutMs : durationMs(timeout);
  const longest = maxStreamDuration.maxStreamDuration;
  return longest === undefined ? 0 : durationMs(longest);
}

function readDestinations(
  resources: EnvoyResources,
  route: Route,
  action: RouteAction,
  authority: string,
): HttpDestination[] {
  const { clusterSpecifier: specifier } = action;
  const routeAuthority = rewrittenAuthority(action.hostRewriteSpecifier, authority);
  if (specifier.case === "cluster") {
    return sharedDestinations(resources, [{ cluster: specifier.value, weight: 1 }]).map((destination) => ({
      ...destination,
      authority: routeAuthority,
      ...changesOf([route]),
    }));
  }
  if (specifier.case !== "weightedClusters") {
    throw simulateErrors.cannotSimulate(`cannot simulate a cluster chosen by ${specifier.case ?? "nothing"}`);
  }
  const weights = specifier.value.clusters;
  for (const weight of weights) onlyFields(ClusterWeightSchema, weight, knownWeightFields);
  const used = weights.filter(({ weight }) => (weight ?? 0) > 0);
  const shared = used.map(({ name, weight }) => ({ cluster: name, weight: weight ?? 0 }));
  return sharedDestinations(resources, shared).map((destination, index) => {
    const weight = used[index];
    return {
      ...destination,
      // The route's own rewrite comes last and wins.
      authority:
        action.hostRewriteSpecifier.case === undefined && weight !== undefined
          ? rewrittenAuthority(weight.hostRewriteSpecifier, authority)
          : routeAuthority,
      ...changesOf(weight === undefined ? [route] : [weight, route]),
    };
  });
}

type Changing = Pick<
  Route,
  "requestHeadersToAdd" | "requestHeadersToRemove" | "responseHeadersToAdd" | "responseHeadersToRemove"
>;

function changesOf(parts: readonly Changing[]): Pick<HttpDestination, "requestHeaders" | "responseHeaders"> {
  return {
    requestHeaders: headerChanges(
      parts.flatMap((part) => part.requestHeadersToAdd),
      parts.flatMap((part) => part.requestHeadersToRemove),
    ),
    responseHeaders: headerChanges(
      parts.flatMap((part) => part.responseHeadersToAdd),
      parts.flatMap((part) => part.responseHeadersToRemove),
    ),
  };
}

function readRetries(policy: RetryPolicy): Retries {
  return {
    attempts: policy.numRetries ?? 1,
    on: policy.retryOn.split(",").filter((word) => word !== ""),
    statusCodes: policy.retriableStatusCodes,
    perTryTimeoutMs: policy.perTryTimeout === undefined ? undefined : durationMs(policy.perTryTimeout),
  };
}
