// A small config dump, as Envoy writes it.

const httpManager = "envoy.filters.network.http_connection_manager";

export function fakeDump(secrets: object[] = []): { configs: object[] } {
  return {
    configs: [
      {
        "@type": "type.googleapis.com/envoy.admin.v3.BootstrapConfigDump",
        bootstrap: {
          node: {
            id: "sidecar~10.0.0.1~web-1.shop~shop.svc.cluster.local",
            metadata: { ISTIO_VERSION: "1.32.0" },
            user_agent_build_version: {
              version: { major_number: 1, minor_number: 40 },
              metadata: { "build.type": "RELEASE", "revision.status": "Clean", "ssl.version": "BoringSSL" },
            },
          },
        },
      },
      {
        "@type": "type.googleapis.com/envoy.admin.v3.ClustersConfigDump",
        static_clusters: [{ cluster: { name: "prometheus_stats" } }],
        dynamic_active_clusters: [
          { cluster: { name: "outbound|9080|v2|reviews.shop.svc.cluster.local", type: "EDS" } },
          {
            cluster: {
              name: "outbound|9080||reviews.shop.svc.cluster.local",
              type: "EDS",
              metadata: {
                filter_metadata: {
                  istio: { config: "/apis/networking.istio.io/v1/namespaces/shop/destination-rule/reviews" },
                },
              },
            },
          },
          { cluster: { name: "inbound|9080||", type: "STATIC" } },
        ],
      },
      {
        "@type": "type.googleapis.com/envoy.admin.v3.ListenersConfigDump",
        static_listeners: [
          {
            listener: {
              name: "ready",
              address: { socket_address: { address: "0.0.0.0", port_value: 15021 } },
              filter_chains: [
                {
                  filters: [
                    {
                      name: httpManager,
                      typed_config: {
                        route_config: {
                          virtual_hosts: [
                            {
                              domains: ["*"],
                              routes: [{ match: { prefix: "/healthz/ready" }, route: { cluster: "agent" } }],
                            },
                          ],
                        },
                      },
                    },
                  ],
                },
              ],
            },
          },
        ],
        dynamic_listeners: [
          { name: "warming", warming_state: { listener: { name: "warming" } } },
          {
            name: "virtualInbound",
            active_state: {
              listener: {
                name: "virtualInbound",
                address: { socket_address: { address: "0.0.0.0", port_value: 15006 } },
                filter_chains: [
                  {
                    filter_chain_match: {
                      destination_port: 9080,
                      transport_protocol: "tls",
                      application_protocols: ["istio", "istio-http/1.0", "istio-http/1.1", "istio-h2"],
                    },
                    filters: [
                      {
                        name: httpManager,
                        typed_config: {
                          route_config: {
                            virtual_hosts: [
                              {
                                domains: ["*"],
                                routes: [{ match: { prefix: "/" }, route: { cluster: "inbound|9080||" } }],
                              },
                            ],
                          },
                        },
                      },
                    ],
                  },
                  {
                    filter_chain_match: {
                      prefix_ranges: [{ address_prefix: "0.0.0.0", prefix_len: 0 }],
                      server_names: ["a.b", "c.d"],
                    },
                    filters: [
                      {
                        name: "envoy.filters.network.tcp_proxy",
                        typed_config: { cluster: "InboundPassthroughCluster" },
                      },
                    ],
                  },
                ],
                default_filter_chain: {
                  filter_chain_match: { destination_port: 15006 },
                  filters: [{ name: "envoy.filters.network.tcp_proxy", typed_config: { cluster: "BlackHoleCluster" } }],
                },
              },
            },
          },
          {
            active_state: {
              listener: {
                name: "0.0.0.0_80",
                address: { socket_address: { address: "0.0.0.0", port_value: 80 } },
                additional_addresses: [{ address: { socket_address: { address: "::", port_value: 80 } } }],
                filter_chains: [
                  { filters: [{ name: httpManager, typed_config: { rds: { route_config_name: "80" } } }] },
                ],
              },
            },
          },
        ],
      },
      {
        "@type": "type.googleapis.com/envoy.admin.v3.RoutesConfigDump",
        dynamic_route_configs: [
          {
            route_config: {
              name: "9080",
              virtual_hosts: [
                {
                  name: "reviews.shop.svc.cluster.local:9080",
                  domains: [
                    "reviews.shop.svc.cluster.local",
                    "reviews.shop.svc.cluster.local:9080",
                    "reviews",
                    "reviews.shop.svc",
                    "reviews.shop",
                    "240.240.0.1",
                  ],
                  routes: [
                    {
                      match: { path_separated_prefix: "/api" },
                      route: { cluster: "outbound|9080||reviews.shop.svc.cluster.local" },
                      metadata: {
                        filter_metadata: {
                          istio: { config: "/apis/networking.istio.io/v1/namespaces/shop/virtual-service/reviews" },
                        },
                      },
                    },
                    { match: { safe_regex: { regex: "^/v\\d" } }, route: { cluster: "x" } },
                    { match: { path: "/exact" }, redirect: {} },
                  ],
                },
                {
                  name: "allow_any",
                  domains: ["*"],
                  routes: [{ match: { prefix: "/" }, route: { cluster: "PassthroughCluster" } }],
                },
                { name: "block", domains: ["b"] },
              ],
            },
          },
          {
            route_config: {
              name: "80",
              virtual_hosts: [
                { name: "all", domains: ["*"], routes: [{ match: { prefix: "/" }, route: { cluster: "c" } }] },
              ],
            },
          },
        ],
      },
      { "@type": "type.googleapis.com/envoy.admin.v3.SecretsConfigDump", dynamic_active_secrets: secrets },
      {
        "@type": "type.googleapis.com/envoy.admin.v3.EndpointsConfigDump",
        dynamic_endpoint_configs: [
          {
            endpoint_config: {
              cluster_name: "outbound|9080||reviews.shop.svc.cluster.local",
              endpoints: [
                {
                  locality: { region: "eu", zone: "a" },
                  lb_endpoints: [
                    {
                      endpoint: { address: { socket_address: { address: "10.0.0.2", port_value: 9080 } } },
                      health_status: "HEALTHY",
                    },
                    { endpoint: { address: { pipe: { path: "/run/app.sock" } } }, health_status: "DRAINING" },
                  ],
                },
              ],
            },
          },
        ],
      },
    ],
  };
}

/** `/clusters?format=json`. */
export const fakeClusters = {
  cluster_statuses: [
    {
      name: "outbound|9080||reviews.shop.svc.cluster.local",
      host_statuses: [
        {
          address: { socket_address: { address: "10.0.0.3", port_value: 9080 } },
          health_status: { eds_health_status: "UNHEALTHY", failed_outlier_check: true },
        },
        {
          address: { socket_address: { address: "10.0.0.2", port_value: 9080 } },
          health_status: { eds_health_status: "HEALTHY" },
        },
      ],
    },
    {
      name: "xds-grpc",
      host_statuses: [{ address: { pipe: { path: "./XDS" } }, health_status: { eds_health_status: "HEALTHY" } }],
    },
  ],
};
