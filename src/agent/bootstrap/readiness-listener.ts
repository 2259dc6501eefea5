// envoy.config.listener.v3.Listener on 15021: `/healthz/ready` goes through Envoy to the agent, so that it proves both.
import type { JsonObject } from "@bufbuild/protobuf";

/** @param address of the machine, `0.0.0.0` for all */
export function readinessListener(address: string, port: number): JsonObject {
  return {
    name: "0.0.0.0_15021",
    address: { socketAddress: { address, portValue: port } },
    // Readiness is asked for by load balancers and must not be counted as traffic that drains.
    bypassOverloadManager: true,
    filterChains: [
      {
        filters: [
          {
            name: "envoy.filters.network.http_connection_manager",
            typedConfig: {
              "@type":
                "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
              statPrefix: "agent",
              codecType: "AUTO",
              // Slow or idle clients must not hold connections of the port that tells whether the machine is well.
              commonHttpProtocolOptions: { idleTimeout: "30s" },
              requestHeadersTimeout: "5s",
              routeConfig: {
                virtualHosts: [
                  {
                    name: "backend",
                    domains: ["*"],
                    routes: [{ match: { path: "/healthz/ready" }, route: { cluster: "agent", timeout: "5s" } }],
                  },
                ],
              },
              httpFilters: [
                {
                  name: "envoy.filters.http.router",
                  typedConfig: { "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router" },
                },
              ],
            },
          },
        ],
      },
    ],
  };
}
