// VirtualService.spec.http[].route[].destination, VirtualService.spec.http[].route[].weight, VirtualService.spec.http[].timeout → envoy.config.route.v3.RouteAction
// VirtualService.spec.http[].mirror, VirtualService.spec.http[].mirrors, VirtualService.spec.http[].mirrorPercentage, VirtualService.spec.http[].mirrorPercent, VirtualService.spec.http[].mirror_percent → envoy.config.route.v3.RouteAction.request_mirror_policies
import { create } from "@bufbuild/protobuf";
import {
  type RouteAction,
  type RouteAction_RequestMirrorPolicy,
  RouteAction_RequestMirrorPolicySchema,
  RouteActionSchema,
  type WeightedCluster_ClusterWeight,
  WeightedCluster_ClusterWeightSchema,
  WeightedClusterSchema,
} from "../../../gen/envoy/config/route/v3/route_components_pb.ts";
import type { ConsistentHash } from "../../config/destination-rule/consistent-hash.ts";
import type { HttpMatch } from "../../config/virtual-service/http-match.ts";
import type { HttpRuleView, MirrorDestination, WeightedDestination } from "../../model/virtual-host-view.ts";
import { durationFrom, durationFromMs } from "../duration.ts";
import { buildFractionalPercent } from "./fractional-percent.ts";
import { buildHashPolicy } from "./hash-policy.ts";
import { authorityOf, buildHeaderMutations } from "./header-mutation.ts";
import { buildRetryPolicy } from "./retry-policy.ts";
import { applyRewrite } from "./rewrite.ts";

/** The action of a rule that has destinations. */
export function buildRouteAction(rule: HttpRuleView, match: HttpMatch | undefined): RouteAction {
  const { route } = rule;
  const timeout = durationFrom(route.timeout);
  const retryPolicy = buildRetryPolicy(route.retries, rule.sticky);
  const action = create(RouteActionSchema, {
    clusterSpecifier: clusterSpecifier(rule.destinations),
    timeout: timeout ?? durationFromMs(0),
    // Envoy ignores `timeout` where max_stream_duration is set, so gRPC's own deadlines are only taken where there is none.
    ...(timeout === undefined ? { maxStreamDuration: { grpcTimeoutHeaderMax: durationFromMs(0) } } : {}),
    hashPolicy: rule.hashes.flatMap(buildHashPolicy),
    requestMirrorPolicies: rule.mirrors.filter((mirror) => mirror.percent > 0).map(buildMirrorPolicy),
    ...(retryPolicy === undefined ? {} : { retryPolicy }),
  });
  const [only] = rule.destinations;
  const ownAuthority = hasOneDestination(rule) ? authorityOf(only?.headers) : undefined;
  const authority = authorityOf(route.headers) ?? ownAuthority;
  if (authority !== undefined) action.hostRewriteSpecifier = { case: "hostRewriteLiteral", value: authority };
  applyRewrite(action, route.rewrite, match);
  return action;
}

/** Requests that no rule takes, or of a host without VirtualService. */
export function buildDefaultAction(cluster: string, hash: ConsistentHash | undefined): RouteAction {
  const retryPolicy = buildRetryPolicy(undefined, hash !== undefined);
  return create(RouteActionSchema, {
    clusterSpecifier: { case: "cluster", value: cluster },
    timeout: durationFromMs(0),
    maxStreamDuration: { grpcTimeoutHeaderMax: durationFromMs(0) },
    hashPolicy: hash === undefined ? [] : buildHashPolicy(hash),
    ...(retryPolicy === undefined ? {} : { retryPolicy }),
  });
}

/** True where the headers of the one destination belong on the route itself. */
export function hasOneDestination(rule: HttpRuleView): boolean {
  return rule.destinations.length === 1;
}

function clusterSpecifier(destinations: readonly WeightedDestination[]): RouteAction["clusterSpecifier"] {
  const [only] = destinations;
  if (only !== undefined && destinations.length === 1) return { case: "cluster", value: only.cluster };
  return {
    case: "weightedClusters",
    value: create(WeightedClusterSchema, { clusters: destinations.map(buildClusterWeight) }),
  };
}

/** VirtualService.spec.http[].route[].weight */
function buildClusterWeight(destination: WeightedDestination): WeightedCluster_ClusterWeight {
  const authority = authorityOf(destination.headers);
  return create(WeightedCluster_ClusterWeightSchema, {
    name: destination.cluster,
    weight: destination.weight,
    ...buildHeaderMutations(destination.headers),
    ...(authority === undefined
      ? {}
      : { hostRewriteSpecifier: { case: "hostRewriteLiteral", value: authority } as const }),
  });
}

/** VirtualService.spec.http[].mirrorPercentage */
function buildMirrorPolicy(mirror: MirrorDestination): RouteAction_RequestMirrorPolicy {
  return create(RouteAction_RequestMirrorPolicySchema, {
    cluster: mirror.cluster,
    runtimeFraction: { defaultValue: buildFractionalPercent(mirror.percent) },
  });
}
