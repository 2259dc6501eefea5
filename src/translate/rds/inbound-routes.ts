// ServiceEntry.spec.ports[].targetPort → envoy.config.route.v3.RouteConfiguration inbound|<port>||
import { create } from "@bufbuild/protobuf";
import { type RouteConfiguration, RouteConfigurationSchema } from "../../../gen/envoy/config/route/v3/route_pb.ts";
import { inboundClusterName } from "../../model/cluster-name.ts";
import type { InboundPort } from "../../model/inbound-view.ts";
import { isGrpc } from "../../model/protocol.ts";
import { durationFromMs } from "../duration.ts";

/**
 * Everything to the application; a request that never reached it is tried again, as Istio does since 1.30. Streams of gRPC
 * are not: what was sent of them cannot be sent again.
 */
export function buildInboundRoutes(port: InboundPort): RouteConfiguration {
  const cluster = inboundClusterName(port.port);
  return create(RouteConfigurationSchema, {
    name: cluster,
    validateClusters: false,
    virtualHosts: [
      {
        name: `inbound|http|${port.port}`,
        domains: ["*"],
        routes: [
          {
            name: "default",
            match: { pathSpecifier: { case: "prefix", value: "/" } },
            decorator: { operation: `${port.host}:${port.port}/*` },
            action: {
              case: "route",
              value: {
                clusterSpecifier: { case: "cluster", value: cluster },
                timeout: durationFromMs(0),
                maxStreamDuration: { grpcTimeoutHeaderMax: durationFromMs(0) },
                ...(isGrpc(port.protocol) ? {} : { retryPolicy: { retryOn: "reset-before-request", numRetries: 2 } }),
              },
            },
          },
        ],
      },
    ],
  });
}
