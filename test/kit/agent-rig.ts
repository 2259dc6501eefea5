// One agent with the real Envoy in this process, against a control plane in memory; everything on free loopback ports.
import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  createRegistry,
  type DescMessage,
  fromJson,
  type JsonObject,
  type Registry,
  toBinary,
} from "@bufbuild/protobuf";
import { ClusterSchema, file_envoy_config_cluster_v3_cluster } from "../../gen/envoy/config/cluster/v3/cluster_pb.ts";
import { ClusterLoadAssignmentSchema } from "../../gen/envoy/config/endpoint/v3/endpoint_pb.ts";
import { ListenerSchema } from "../../gen/envoy/config/listener/v3/listener_pb.ts";
import { RouteConfigurationSchema } from "../../gen/envoy/config/route/v3/route_pb.ts";
import { file_envoy_extensions_access_loggers_stats_v3_stats } from "../../gen/envoy/extensions/access_loggers/stats/v3/stats_pb.ts";
import { file_envoy_extensions_filters_http_router_v3_router } from "../../gen/envoy/extensions/filters/http/router/v3/router_pb.ts";
import { file_envoy_extensions_filters_network_http_connection_manager_v3_http_connection_manager } from "../../gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts";
import { file_envoy_extensions_transport_sockets_tls_v3_tls } from "../../gen/envoy/extensions/transport_sockets/tls/v3/tls_pb.ts";
import { Agent } from "../../src/agent/agent.ts";
import type { AgentOptions } from "../../src/agent/agent-options.ts";
import { defaultSettings, proxyOwner } from "../../src/agent/agent-settings.ts";
import { resolveEnvoy } from "../../src/agent/envoy/resolve-envoy.ts";
import type { FakeResource } from "../../src/agent/xds-relay/control-plane.fake.ts";
import { systemClock } from "../../src/kernel/clock.ts";
import { fakeLog, type LogLine } from "../../src/kernel/log.fake.ts";
import { Metrics } from "../../src/kernel/metric.ts";
import { systemRandom } from "../../src/kernel/random.ts";

const registry: Registry = createRegistry(
  file_envoy_config_cluster_v3_cluster,
  file_envoy_extensions_access_loggers_stats_v3_stats,
  file_envoy_extensions_filters_http_router_v3_router,
  file_envoy_extensions_filters_network_http_connection_manager_v3_http_connection_manager,
  file_envoy_extensions_transport_sockets_tls_v3_tls,
);

const isRoot = process.getuid?.() === 0;

export interface AgentRig {
  agent: Agent;
  ports: { admin: number; agent: number; status: number; prometheus: number };
  lines: LogLine[];
}

/** The path of the Envoy that tests use. */
export async function envoyPath(): Promise<string> {
  return (await resolveEnvoy({ env: process.env, log: (line) => console.error(line) })).path;
}

/** A folder that Envoy's user can enter. */
export function machineFolder(): { folder: string; remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), "lateen-machine-"));
  chmodSync(folder, 0o711);
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** A machine's agent; as root Envoy runs as the proxy's user, as on a real machine. */
export async function agentRig(
  folder: string,
  envoy: string,
  parts: Pick<AgentOptions, "dns" | "capture"> & { addresses?: readonly string[] } = {},
): Promise<AgentRig> {
  const [admin = 0, agent = 0, status = 0, prometheus = 0] = await freePorts(4);
  const ports = { admin, agent, status, prometheus };
  const { log, lines } = fakeLog();
  return {
    agent: new Agent({
      ...(parts.dns === undefined ? {} : { dns: parts.dns }),
      ...(parts.capture === undefined ? {} : { capture: parts.capture }),
      settings: {
        ...defaultSettings,
        dataFolder: join(folder, "data"),
        runFolder: join(folder, "run"),
        network: () => ({ addresses: parts.addresses ?? ["127.0.0.1"], ipv6: false }),
        statusAddress: "127.0.0.1",
        ports,
        envoy,
        concurrency: 1,
        drainMs: 0,
        self: process.getuid?.() ?? 0,
        runAs: isRoot ? proxyOwner : undefined,
        agentVersion: "0.0.0-test",
      },
      env: {},
      sendSignal: (pid, signal) => process.kill(pid, signal),
      clock: systemClock,
      random: systemRandom,
      log,
      metrics: new Metrics(),
    }),
    ports,
    lines,
  };
}

/** Ports that were free a moment ago. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createTcpServer().listen(0, "127.0.0.1"));
  const ports: number[] = [];
  for (const server of servers) {
    if (!server.listening) await once(server, "listening");
    ports.push((server.address() as AddressInfo).port);
  }
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** An application that answers with its name. */
export async function application(name: string): Promise<{ port: number; stop: () => Promise<void> }> {
  const server: Server = createServer((_request, response) => response.end(name));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function resource(schema: DescMessage, name: string, version: string, json: JsonObject): FakeResource {
  return { name, version, body: toBinary(schema, fromJson(schema, json, { registry })) };
}

const ads = { ads: {}, resourceApiVersion: "V3" };

export function edsCluster(name: string, version: string, extra: JsonObject = {}): FakeResource {
  const json = { name, type: "EDS", connectTimeout: "1s", edsClusterConfig: { edsConfig: ads }, ...extra };
  return resource(ClusterSchema, name, version, json);
}

export function loadAssignment(name: string, version: string, ports: readonly number[]): FakeResource {
  const lbEndpoints = ports.map((portValue) => ({
    endpoint: { address: { socketAddress: { address: "127.0.0.1", portValue } } },
  }));
  return resource(ClusterLoadAssignmentSchema, name, version, { clusterName: name, endpoints: [{ lbEndpoints }] });
}

export function routes(name: string, version: string, cluster: string): FakeResource {
  const virtualHosts = [{ name: "all", domains: ["*"], routes: [{ match: { prefix: "/" }, route: { cluster } }] }];
  return resource(RouteConfigurationSchema, name, version, { name, virtualHosts });
}

const type = (name: string) => `type.googleapis.com/${name}`;

/** Counts requests as Istio does, under the prefix that the agent takes off. */
const statsLog = {
  name: "envoy.access_loggers.stats",
  typedConfig: {
    "@type": type("envoy.extensions.access_loggers.stats.v3.Config"),
    statsScope: { prefix: "istiocustom", sharingName: "istio" },
    counters: [
      {
        stat: { name: "istio_requests_total", tags: [{ name: "reporter", valueFormat: "source" }] },
        valueFixed: "1",
      },
    ],
  },
};

/** @param tls with the machine's certificate, through SDS */
export function httpListener(
  name: string,
  version: string,
  port: number,
  routeName: string,
  options: { tls?: boolean; broken?: boolean } = {},
): FakeResource {
  const manager = {
    "@type": type("envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"),
    statPrefix: name,
    // A refused listener: the codec of HTTP/3 needs QUIC.
    ...(options.broken === true ? { codecType: "HTTP3" } : {}),
    rds: { routeConfigName: routeName, configSource: ads },
    accessLog: [statsLog],
    httpFilters: [
      {
        name: "envoy.filters.http.router",
        typedConfig: { "@type": type("envoy.extensions.filters.http.router.v3.Router") },
      },
    ],
  };
  const sdsConfig = {
    resourceApiVersion: "V3",
    apiConfigSource: {
      apiType: "GRPC",
      transportApiVersion: "V3",
      setNodeOnFirstMessageOnly: true,
      grpcServices: [{ envoyGrpc: { clusterName: "sds-grpc" } }],
    },
  };
  const transportSocket = {
    name: "envoy.transport_sockets.tls",
    typedConfig: {
      "@type": type("envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext"),
      requireClientCertificate: true,
      commonTlsContext: {
        tlsCertificateSdsSecretConfigs: [{ name: "default", sdsConfig }],
        validationContextSdsSecretConfig: { name: "ROOTCA", sdsConfig },
      },
    },
  };
  const chain = {
    filters: [{ name: "envoy.filters.network.http_connection_manager", typedConfig: manager }],
    ...(options.tls === true ? { transportSocket } : {}),
  };
  const address = { socketAddress: { address: "127.0.0.1", portValue: port } };
  return resource(ListenerSchema, name, version, { name, address, filterChains: [chain] });
}
