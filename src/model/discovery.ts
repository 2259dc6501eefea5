// ServiceEntry.spec.resolution, DestinationRule.spec.trafficPolicy.loadBalancer.simple → envoy.config.cluster.v3.Cluster.type
//
// How Envoy finds the endpoints of a cluster.
import type { PortPolicy } from "./destination-rule.ts";
import type { Service } from "./service.ts";

export type Discovery = "eds" | "strict-dns" | "logical-dns" | "original-dst";

/** PASSTHROUGH goes where the application meant to go, whatever the endpoints are. */
export function discoveryOf(service: Service, policy: PortPolicy): Discovery {
  if (policy.loadBalancer?.simple === "PASSTHROUGH") return "original-dst";
  if (service.resolution === "static") return "eds";
  if (service.resolution === "dns") return "strict-dns";
  if (service.resolution === "dns-round-robin") return "logical-dns";
  return "original-dst";
}
