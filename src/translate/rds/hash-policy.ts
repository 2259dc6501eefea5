// DestinationRule.spec.trafficPolicy.loadBalancer.consistentHash.httpHeaderName, DestinationRule.spec.trafficPolicy.loadBalancer.consistentHash.httpCookie, DestinationRule.spec.trafficPolicy.loadBalancer.consistentHash.useSourceIp, DestinationRule.spec.trafficPolicy.loadBalancer.consistentHash.httpQueryParameterName → envoy.config.route.v3.RouteAction.hash_policy
import { create } from "@bufbuild/protobuf";
import {
  type RouteAction_HashPolicy,
  RouteAction_HashPolicySchema,
} from "../../../gen/envoy/config/route/v3/route_components_pb.ts";
import type { ConsistentHash } from "../../config/destination-rule/consistent-hash.ts";
import { durationFrom } from "../duration.ts";

/** Empty where the object names an algorithm and no key. */
export function buildHashPolicy(hash: ConsistentHash): RouteAction_HashPolicy[] {
  if (hash.httpHeaderName !== undefined) {
    return [policy({ case: "header", value: { headerName: hash.httpHeaderName } })];
  }
  if (hash.httpCookie !== undefined) {
    const { name, path, ttl, attributes } = hash.httpCookie;
    const duration = durationFrom(ttl);
    return [
      policy({
        case: "cookie",
        value: {
          name: name ?? "",
          path: path ?? "",
          ...(duration === undefined ? {} : { ttl: duration }),
          attributes: (attributes ?? []).map((attribute) => ({
            name: attribute.name ?? "",
            value: attribute.value ?? "",
          })),
        },
      }),
    ];
  }
  if (hash.useSourceIp === true) return [policy({ case: "connectionProperties", value: { sourceIp: true } })];
  if (hash.httpQueryParameterName !== undefined) {
    return [policy({ case: "queryParameter", value: { name: hash.httpQueryParameterName } })];
  }
  return [];
}

type Specifier = NonNullable<Parameters<typeof create<typeof RouteAction_HashPolicySchema>>[1]>["policySpecifier"];

function policy(policySpecifier: Specifier): RouteAction_HashPolicy {
  return create(RouteAction_HashPolicySchema, policySpecifier === undefined ? {} : { policySpecifier });
}
