// What the simulation refuses to guess, and what it says where something is missing.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { create, type DescMessage, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { ClusterSchema, Cluster_DiscoveryType as DiscoveryType } from "../../gen/envoy/config/cluster/v3/cluster_pb.ts";
import { TrafficDirection } from "../../gen/envoy/config/core/v3/base_pb.ts";
import { HealthStatus } from "../../gen/envoy/config/core/v3/health_check_pb.ts";
import { FilterChainSchema } from "../../gen/envoy/config/listener/v3/listener_components_pb.ts";
import { ListenerSchema } from "../../gen/envoy/config/listener/v3/listener_pb.ts";
import { RouteConfigurationSchema } from "../../gen/envoy/config/route/v3/route_pb.ts";
import { RouterSchema } from "../../gen/envoy/extensions/filters/http/router/v3/router_pb.ts";
import { HttpConnectionManagerSchema } from "../../gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts";
import { TcpProxySchema } from "../../gen/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.ts";
import type { Resource } from "../xds/resource.ts";
import type { ResourceSource } from "./envoy-resources.ts";
import type { OutboundResult } from "./outbound-result.ts";
import { simulateInbound } from "./simulate-inbound.ts";
import { simulateOutbound } from "./simulate-outbound.ts";

/** A proxy that has these resources. */
function proxy(...resources: Resource[]): ResourceSource {
  return {
    resources(typeUrl) {
      const of = new Map(resources.filter((one) => one.typeUrl === typeUrl).map((one) => [one.name, one]));
      return { get: (name) => of.get(name), values: () => of.values() };
    },
  };
}

function resource<D extends DescMessage>(schema: D, init: MessageInitShape<D> & { name: string }): Resource {
  const body = toBinary(schema, create(schema, init));
  return { typeUrl: `type.googleapis.com/${schema.typeName}`, name: init.name, version: "1", body, sources: [] };
}

const packed = <D extends DescMessage>(schema: D, init: MessageInitShape<D>) =>
  ({ case: "typedConfig", value: anyPack(schema, create(schema, init)) }) as const;

const router = { name: "router", configType: packed(RouterSchema, {}) };

type Chain = MessageInitShape<typeof FilterChainSchema>;

function tcpTo(cluster: string): Chain {
  const value = { statPrefix: "t", clusterSpecifier: { case: "cluster", value: cluster } } as const;
  return { name: "tcp", filters: [{ name: "tcp", configType: packed(TcpProxySchema, value) }] };
}

function httpBy(init: MessageInitShape<typeof HttpConnectionManagerSchema>): Chain {
  return { name: "http", filters: [{ name: "http", configType: packed(HttpConnectionManagerSchema, init) }] };
}

const byRoutes = (name: string) => ({ case: "rds", value: { routeConfigName: name } }) as const;

const outbound = (chain: Chain, more: MessageInitShape<typeof ListenerSchema> = {}) =>
  resource(ListenerSchema, { name: "outbound", useOriginalDst: true, filterChains: [chain], ...more });

const tcp = { to: { ip: "10.0.0.1", port: 80 }, traffic: { kind: "tcp" } } as const;
const http = {
  to: { ip: "10.0.0.1", port: 80 },
  traffic: { kind: "http", request: { method: "GET", path: "/", authority: "a" } },
} as const;

const refuses = (ask: () => unknown, what: RegExp) => assert.throws(ask, { code: "LAT2201", message: what });

describe("what is missing", () => {
  it("is said", () => {
    assert.equal(simulateOutbound(proxy(), tcp).outcome, "refused");
    assert.equal(simulateInbound(proxy(), { port: 80, transport: { kind: "raw_buffer" } }).outcome, "refused");
    assert.equal(simulateOutbound(proxy(outbound(tcpTo("none"))), tcp).outcome, "missingCluster");
    const noRoutes = httpBy({ routeSpecifier: byRoutes("none"), httpFilters: [router] });
    assert.equal(simulateOutbound(proxy(outbound(noRoutes)), http).outcome, "noRoute");
    const name = { ...tcp, to: { host: "a", port: 80, namespace: "b" } };
    assert.deepEqual(simulateOutbound(proxy(outbound(tcpTo("none"))), name).outcome, "unknownName");
  });

  it("of an EDS cluster is its load assignment", () => {
    const cluster = resource(ClusterSchema, {
      name: "c",
      clusterDiscoveryType: { case: "type", value: DiscoveryType.EDS },
    });
    const result = simulateOutbound(proxy(outbound(tcpTo("c")), cluster), tcp);
    assert.ok(result.outcome === "noEndpoints");
    const [upstream] = result.destinations.map((destination) => destination.upstream);
    assert.equal(upstream?.kind === "no-endpoints" && upstream.because, "the cluster has no load assignment");
  });

  it("of an inbound HTTP call is its request", () => {
    const chain = httpBy({ routeSpecifier: byRoutes("r"), httpFilters: [router] });
    const listener = resource(ListenerSchema, {
      name: "in",
      trafficDirection: TrafficDirection.INBOUND,
      filterChains: [chain],
    });
    assert.throws(() => simulateInbound(proxy(listener), { port: 80, transport: { kind: "raw_buffer" } }), {
      code: "LAT2202",
    });
  });

  it("of a broken resource is everything", () => {
    const broken = { ...outbound(tcpTo("c")), body: Uint8Array.of(255, 255) };
    assert.throws(() => simulateOutbound(proxy(broken), tcp), { code: "LAT2203" });
  });
});

describe("listeners for other places", () => {
  const noMessage = (name: string): Resource => ({ ...outbound(tcpTo("c")), name, body: Uint8Array.of(255, 255) });

  it("are not even decoded", () => {
    for (const name of ["10.0.0.2_80", "10.0.0.1_81", "2001:db8::1_80", "0.0.0.0_8080"]) {
      assert.equal(simulateOutbound(proxy(outbound(tcpTo("c")), noMessage(name)), tcp).outcome, "missingCluster", name);
    }
    for (const name of ["10.0.0.1_80", "0.0.0.0_80", "::_80", "mine"]) {
      assert.throws(
        () => simulateOutbound(proxy(outbound(tcpTo("c")), noMessage(name)), tcp),
        { code: "LAT2203" },
        name,
      );
    }
  });
});

describe("what is not known", () => {
  const listenerFilter = { name: "x", configType: packed(RouterSchema, {}) };
  it("is refused by name", () => {
    refuses(
      () => simulateOutbound(proxy(outbound(tcpTo("c"), { listenerFilters: [listenerFilter] })), tcp),
      /listener filter .*Router/,
    );
    const unknown = { name: "u", filters: [{ name: "mystery", configType: packed(RouterSchema, {}) }] };
    refuses(() => simulateOutbound(proxy(outbound(unknown)), tcp), /network filter mystery/);
    refuses(() => simulateOutbound(proxy(outbound({ name: "empty" })), tcp), /no filter that ends it/);
    const strange = { name: "strange", configType: packed(TcpProxySchema, {}) };
    const filters = httpBy({ routeSpecifier: byRoutes("r"), httpFilters: [strange, router] });
    refuses(() => simulateOutbound(proxy(outbound(filters)), http), /HTTP filter strange/);
    refuses(() => simulateOutbound(proxy(outbound(httpBy({ routeSpecifier: byRoutes("r") }))), http), /without router/);
    refuses(() => simulateOutbound(proxy(outbound(httpBy({ httpFilters: [router] }))), http), /routes by nothing/);
    const secured = create(FilterChainSchema, { ...tcpTo("c"), transportSocket: { name: "t" } } as Chain);
    refuses(() => simulateOutbound(proxy(outbound(secured)), tcp), /transport socket/);
  });

  it("in routes is refused by name", () => {
    type Route = NonNullable<
      NonNullable<MessageInitShape<typeof RouteConfigurationSchema>["virtualHosts"]>[number]["routes"]
    >[number];
    const ask = (route: Route): OutboundResult => {
      const routes = resource(RouteConfigurationSchema, {
        name: "r",
        virtualHosts: [{ name: "h", domains: ["*"], routes: [route] }],
      });
      return simulateOutbound(
        proxy(outbound(httpBy({ routeSpecifier: byRoutes("r"), httpFilters: [router] })), routes),
        http,
      );
    };
    const match = { pathSpecifier: { case: "prefix", value: "/" } } as const;
    const to = { case: "cluster", value: "c" } as const;
    const cases: [route: Route, what: RegExp][] = [
      [
        { match: { ...match, grpc: {} }, action: { case: "route", value: { clusterSpecifier: to } } },
        /RouteMatch\.grpc/,
      ],
      [
        {
          match: { pathSpecifier: { case: "connectMatcher", value: {} } },
          action: { case: "route", value: { clusterSpecifier: to } },
        },
        /connect_matcher/,
      ],
      [
        { match, action: { case: "route", value: { clusterSpecifier: { case: "clusterHeader", value: "x" } } } },
        /cluster_header/,
      ],
      [{ match, action: { case: "route", value: { clusterSpecifier: to, pathRewrite: "x" } } }, /path_rewrite/],
      [
        { match, action: { case: "route", value: { clusterSpecifier: to, internalRedirectPolicy: {} } } },
        /internal_redirect_policy/,
      ],
      [{ match, action: { case: "nonForwardingAction", value: {} } }, /non_forwarding_action/],
      [{ match, tracing: {}, action: { case: "route", value: { clusterSpecifier: to } } }, /Route\.tracing/],
    ];
    for (const [route, what] of cases) refuses(() => ask(route), what);
  });

  it("in clusters is refused by name", () => {
    const ask = (init: MessageInitShape<typeof ClusterSchema>) =>
      simulateOutbound(proxy(outbound(tcpTo("c")), resource(ClusterSchema, { name: "c", ...init })), tcp);
    const endpoint = {
      hostIdentifier: { case: "endpoint", value: { address: { address: { case: "pipe", value: { path: "/s" } } } } },
    } as const;
    const withEndpoints = (group: object) => ({
      loadAssignment: { clusterName: "c", endpoints: [{ lbEndpoints: [endpoint], ...group }] },
    });
    assert.equal(ask(withEndpoints({})).outcome, "routed");
    refuses(() => ask(withEndpoints({ priority: 1 })), /priority/);
    refuses(
      () => ask(withEndpoints({ lbEndpoints: [{ ...endpoint, healthStatus: HealthStatus.DEGRADED }] })),
      /degraded/,
    );
    refuses(
      () => ask(withEndpoints({ lbEndpoints: [{ hostIdentifier: { case: "endpointName", value: "x" } }] })),
      /named endpoints/,
    );
    refuses(
      () => ask({ clusterDiscoveryType: { case: "clusterType", value: { name: "x" } } }),
      /discovery of cluster c/,
    );
    refuses(
      () => ask({ ...withEndpoints({}), transportSocket: { name: "quic", configType: packed(RouterSchema, {}) } }),
      /Router/,
    );
  });
});

describe("health", () => {
  const member = (healthStatus: HealthStatus, port: number) => ({
    healthStatus,
    hostIdentifier: {
      case: "endpoint",
      value: {
        address: {
          address: {
            case: "socketAddress",
            value: { address: "10.0.0.9", portSpecifier: { case: "portValue", value: port } },
          },
        },
      },
    } as const,
  });
  const ports = (statuses: readonly HealthStatus[], threshold?: number): number[] => {
    const cluster = resource(ClusterSchema, {
      name: "c",
      ...(threshold === undefined ? {} : { commonLbConfig: { healthyPanicThreshold: { value: threshold } } }),
      loadAssignment: { clusterName: "c", endpoints: [{ lbEndpoints: statuses.map(member) }] },
    });
    const result = simulateOutbound(proxy(outbound(tcpTo("c")), cluster), tcp);
    const [upstream] = "destinations" in result ? result.destinations.map((destination) => destination.upstream) : [];
    return upstream?.kind === "endpoints" ? upstream.endpoints.map(({ port }) => port) : [];
  };
  const { HEALTHY, UNHEALTHY, UNKNOWN, DRAINING } = HealthStatus;

  it("keeps traffic from endpoints that are down", () => {
    assert.deepEqual(ports([HEALTHY, UNHEALTHY, UNKNOWN, DRAINING]), [0, 2]);
  });

  it("below the panic threshold counts for nothing", () => {
    assert.deepEqual(ports([HEALTHY, UNHEALTHY, UNHEALTHY]), [0, 1, 2]);
    assert.deepEqual(ports([HEALTHY, UNHEALTHY, UNHEALTHY], 0), [0]);
    assert.deepEqual(ports([UNHEALTHY], 0), []);
  });
});
