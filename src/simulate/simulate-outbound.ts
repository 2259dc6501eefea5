// What happens to a call that leaves a machine, told from the resources of its proxy alone.

import type { FilterChain } from "../../gen/envoy/config/listener/v3/listener_components_pb.ts";
import { type EnvoyResources, type ResourceSource, readResources } from "./envoy-resources.ts";
import { simulateErrors } from "./errors.ts";
import { handleRequest } from "./http/handle-request.ts";
import { readChainFilters } from "./listener/chain-filters.ts";
import type { Connection } from "./listener/connection.ts";
import { inspectConnection } from "./listener/inspect-connection.ts";
import { selectFilterChain } from "./listener/select-filter-chain.ts";
import { selectOutboundListener } from "./listener/select-listener.ts";
import type { OutboundCall } from "./outbound-call.ts";
import type { Forwarded, OutboundOutcome, OutboundPath, OutboundResult } from "./outbound-result.ts";
import { resolveName } from "./resolve-name.ts";
import type { Step } from "./step.ts";
import { tcpDestinations } from "./upstream/destination.ts";
import type { Upstream } from "./upstream/upstream.ts";
import type { Writable } from "./writable.ts";

/** Endpoints that a step names; the result has them all. */
const shownEndpoints = 8;

/** Cluster that stands for "nowhere": static, without endpoints. */
const blackHole = "BlackHoleCluster";

/**
 * @param source the proxy's view: listeners, routes, clusters, load assignments, names
 * @throws LateenError LAT2201 where a resource uses something that cannot be told from here, LAT2202 where the call lacks
 * what decides, LAT2203
 */
export function simulateOutbound(source: ResourceSource, call: OutboundCall): OutboundResult {
  const steps: Step[] = [];
  const path: Writable<OutboundPath> = {
    listener: undefined,
    filterChain: undefined,
    routeConfiguration: undefined,
    virtualHost: undefined,
    route: undefined,
    steps,
  };
  const outcome = follow(readResources(source), call, path, steps);
  return { ...path, ...outcome };
}

function follow(
  resources: EnvoyResources,
  call: OutboundCall,
  path: Writable<OutboundPath>,
  steps: Step[],
): OutboundOutcome {
  const dialed = "ip" in call.to ? call.to : dial(resources, call.to, steps);
  if (dialed === undefined) return { outcome: "unknownName", host: "host" in call.to ? call.to.host : "" };
  const selected = selectOutboundListener(resources.listenersFor(dialed.ip, dialed.port), dialed.ip, dialed.port);
  if (selected === undefined) return { outcome: "refused", because: "no listener takes outbound connections" };
  const { listener } = selected;
  path.listener = listener.name;
  steps.push({ at: "listener", name: listener.name, because: selected.because });
  const { traffic, sourceIp } = call;
  const connection: Connection = {
    destinationIp: dialed.ip,
    destinationPort: dialed.port,
    ...(sourceIp === undefined ? {} : { sourceIp }),
    ...(traffic.kind === "tls" ? { tls: { sni: traffic.sni, alpn: traffic.alpn ?? [] } } : {}),
    ...(traffic.kind === "tcp" ? { serverSpeaksFirst: traffic.serverSpeaksFirst === true } : {}),
  };
  const inspected = inspectConnection(listener, connection);
  if (inspected.kind === "stalled") {
    return { outcome: "stalled", because: `${inspected.filter} waits for the first bytes of the application` };
  }
  const found = selectFilterChain(listener, connection, inspected);
  if (found === undefined) return { outcome: "refused", because: `no filter chain of ${listener.name} matches` };
  path.filterChain = found.chain.name;
  steps.push({ at: "filter chain", name: found.chain.name, because: found.because });
  return passChain(resources, found.chain, call, connection, path, steps);
}

function dial(
  resources: EnvoyResources,
  name: { host: string; port: number; namespace: string },
  steps: Step[],
): { ip: string; port: number } | undefined {
  const resolved = resolveName(resources.nameTables(), name.host, name.namespace);
  const ip = resolved?.ips.find((address) => !address.includes(":")) ?? resolved?.ips[0];
  if (resolved === undefined || ip === undefined) return undefined;
  steps.push({ at: "name", name: resolved.host, because: `the agent answers ${name.host} with ${ip}` });
  return { ip, port: name.port };
}

function passChain(
  resources: EnvoyResources,
  chain: FilterChain,
  call: OutboundCall,
  connection: Connection,
  path: Writable<OutboundPath>,
  steps: Step[],
): OutboundOutcome {
  if (chain.transportSocket !== undefined) {
    throw simulateErrors.cannotSimulate(`cannot simulate the transport socket of outbound chain ${chain.name}`);
  }
  const { rbac, end } = readChainFilters(chain);
  if (rbac.length > 0) throw simulateErrors.cannotSimulate(`cannot simulate RBAC of outbound chain ${chain.name}`);
  if (end.kind === "tcp")
    return forwarded({ protocol: "tcp", destinations: tcpDestinations(resources, end.proxy) }, steps);
  if (call.traffic.kind !== "http") {
    return { outcome: "refused", because: "the port is taken for HTTP, which these bytes are not" };
  }
  const handled = handleRequest(
    resources,
    end.manager,
    call.traffic.request,
    {
      sourceIp: connection.sourceIp,
      destinationIp: connection.destinationIp,
      destinationPort: connection.destinationPort,
      serverName: "",
      peer: { kind: "plaintext" },
    },
    steps,
  );
  path.routeConfiguration = handled.routeConfiguration;
  path.virtualHost = handled.virtualHost;
  path.route = handled.route;
  switch (handled.kind) {
    case "no-route":
      return { outcome: "noRoute" };
    case "denied":
      throw simulateErrors.cannotSimulate(`cannot simulate RBAC of outbound chain ${chain.name}`);
    case "answered": {
      const { by, status, headers, body } = handled;
      return { outcome: "answered", by, status, headers, body };
    }
    case "forwarded":
      return forwarded({ protocol: "http", ...handled.forwarding, fault: handled.fault, cors: handled.cors }, steps);
  }
}

function forwarded(result: Forwarded, steps: Step[]): OutboundOutcome {
  for (const { cluster, share, upstream } of result.destinations) {
    const because = share === 1 ? "all of it goes there" : `it gets ${Math.round(share * 1000) / 10} percent`;
    steps.push({ at: "cluster", name: cluster, because });
    steps.push({ at: "endpoints", name: cluster, because: describeUpstream(upstream) });
  }
  const kinds = result.destinations.map(({ upstream }) => upstream.kind);
  if (kinds.includes("endpoints")) return { outcome: "routed", ...result };
  if (kinds.includes("original-destination")) return { outcome: "passthrough", ...result };
  if (result.destinations.every(({ cluster }) => cluster === blackHole)) {
    return {
      outcome: "refused",
      because: "the mesh knows no such destination and passes nothing else (REGISTRY_ONLY)",
    };
  }
  return { outcome: kinds.includes("no-endpoints") ? "noEndpoints" : "missingCluster", ...result };
}

function describeUpstream(upstream: Upstream): string {
  switch (upstream.kind) {
    case "endpoints": {
      const more = upstream.endpoints.length - shownEndpoints;
      const shown = upstream.endpoints
        .slice(0, shownEndpoints)
        .map(({ address, port, transport }) => {
          const sort =
            transport.kind === "plaintext"
              ? "plaintext"
              : transport.clientCertificate === undefined
                ? "TLS"
                : "mutual TLS";
          return `${address}${port === 0 ? "" : `:${port}`} (${sort})`;
        })
        .join(", ");
      return more > 0 ? `${shown} and ${more} more` : shown;
    }
    case "original-destination":
      return `the address the application called${upstream.port === undefined ? "" : `, port ${upstream.port}`}`;
    case "missing-cluster":
      return "the proxy has no such cluster";
    case "no-endpoints":
      return upstream.because;
  }
}
