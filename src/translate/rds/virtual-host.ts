// VirtualService.spec.hosts, ServiceEntry.spec.hosts → envoy.config.route.v3.VirtualHost
import { create } from "@bufbuild/protobuf";
import { type VirtualHost, VirtualHostSchema } from "../../../gen/envoy/config/route/v3/route_components_pb.ts";
import { passthroughCluster } from "../../model/cluster-name.ts";
import type { PlacedVirtualHost } from "../../model/scope-view.ts";
import { durationFromMs } from "../duration.ts";
import { buildDefaultRoute, buildRoutes } from "./route.ts";

export function buildVirtualHost({ port, virtualHost }: PlacedVirtualHost): VirtualHost {
  const fallback = buildDefaultRoute(virtualHost);
  return create(VirtualHostSchema, {
    name: virtualHost.name,
    domains: [...virtualHost.domains],
    includeRequestAttemptCount: true,
    routes: [
      ...virtualHost.rules.flatMap((rule) => buildRoutes(rule, virtualHost, port)),
      ...(fallback === undefined ? [] : [fallback]),
    ],
  });
}

/** MeshConfig.outboundTrafficPolicy: what happens to hosts that the mesh does not know. */
export function buildCatchAllHost(policy: "ALLOW_ANY" | "REGISTRY_ONLY"): VirtualHost {
  const allow = policy === "ALLOW_ANY";
  return create(VirtualHostSchema, {
    name: allow ? "allow_any" : "block_all",
    domains: ["*"],
    includeRequestAttemptCount: true,
    routes: [
      {
        name: allow ? "allow_any" : "block_all",
        match: { pathSpecifier: { case: "prefix", value: "/" } },
        action: allow
          ? {
              case: "route",
              value: {
                clusterSpecifier: { case: "cluster", value: passthroughCluster },
                timeout: durationFromMs(0),
                maxStreamDuration: { grpcTimeoutHeaderMax: durationFromMs(0) },
              },
            }
          : { case: "directResponse", value: { status: 502 } },
      },
    ],
  });
}
