// What happens to a connection that comes to a machine, told from the resources of its proxy alone.

import { TrafficDirection } from "../../gen/envoy/config/core/v3/base_pb.ts";
import type { FilterChain } from "../../gen/envoy/config/listener/v3/listener_components_pb.ts";
import { RBACSchema as NetworkRbacSchema } from "../../gen/envoy/extensions/filters/network/rbac/v3/rbac_pb.ts";
import { type EnvoyResources, type ResourceSource, readResources } from "./envoy-resources.ts";
import { simulateErrors } from "./errors.ts";
import { describeVerdict, handleRequest } from "./http/handle-request.ts";
import type { InboundCall } from "./inbound-call.ts";
import type { InboundOutcome, InboundPath, InboundResult } from "./inbound-result.ts";
import { onlyFields } from "./known-fields.ts";
import { type ChainFilters, readChainFilters } from "./listener/chain-filters.ts";
import type { Connection } from "./listener/connection.ts";
import { inspectConnection } from "./listener/inspect-connection.ts";
import { selectFilterChain } from "./listener/select-filter-chain.ts";
import { shakeHands } from "./listener/tls-server.ts";
import type { RbacCall } from "./rbac/rbac-call.ts";
import { rbacVerdict } from "./rbac/rbac-verdict.ts";
import type { Step } from "./step.ts";
import { tcpDestinations } from "./upstream/destination.ts";
import type { Writable } from "./writable.ts";

/**
 * @param source the proxy's view
 * @throws LateenError LAT2201, LAT2202, LAT2203
 */
export function simulateInbound(source: ResourceSource, call: InboundCall): InboundResult {
  const steps: Step[] = [];
  const path: Writable<InboundPath> = {
    listener: undefined,
    filterChain: undefined,
    security: { kind: "plaintext" },
    route: undefined,
    steps,
  };
  const outcome = follow(readResources(source), call, path, steps);
  return { ...path, ...outcome };
}

function follow(
  resources: EnvoyResources,
  call: InboundCall,
  path: Writable<InboundPath>,
  steps: Step[],
): InboundOutcome {
  const listener = resources
    .namedListeners()
    .find(({ trafficDirection }) => trafficDirection === TrafficDirection.INBOUND);
  if (listener === undefined) return { outcome: "refused", because: "no listener takes inbound connections" };
  path.listener = listener.name;
  steps.push({ at: "listener", name: listener.name, because: "it takes inbound connections" });
  const { transport } = call;
  const connection: Connection = {
    destinationPort: call.port,
    ...(call.ip === undefined ? {} : { destinationIp: call.ip }),
    ...(call.sourceIp === undefined ? {} : { sourceIp: call.sourceIp }),
    ...(transport.kind === "tls" ? { tls: { sni: transport.sni, alpn: transport.alpn } } : {}),
    ...(transport.kind === "raw_buffer" ? { serverSpeaksFirst: transport.serverSpeaksFirst === true } : {}),
  };
  const inspected = inspectConnection(listener, connection);
  if (inspected.kind === "stalled") {
    return { outcome: "stalled", because: `${inspected.filter} waits for the first bytes of the caller` };
  }
  const found = selectFilterChain(listener, connection, inspected);
  if (found === undefined) return { outcome: "refused", because: "no filter chain matches" };
  const { chain } = found;
  path.filterChain = chain.name;
  steps.push({ at: "filter chain", name: chain.name, because: found.because });
  const refused = secure(chain, call, path);
  if (refused !== undefined) return refused;
  const rbacCall = rbacCallOf(call, path, inspected.serverName);
  const filters = readChainFilters(chain);
  return checkNetwork(filters, rbacCall, steps) ?? deliver(resources, filters, call, rbacCall, path, steps);
}

/** Ends the TLS where the chain does so; undefined where the connection goes on. */
function secure(chain: FilterChain, call: InboundCall, path: Writable<InboundPath>): InboundOutcome | undefined {
  const client = call.transport.kind === "tls" ? call.transport : undefined;
  if (chain.transportSocket === undefined) {
    path.security = client === undefined ? { kind: "plaintext" } : { kind: "passed" };
    return undefined;
  }
  const handshake = shakeHands(chain.transportSocket, client);
  if (handshake.kind === "failed") return { outcome: "refused", because: handshake.because };
  path.security = { kind: "mutual TLS", peer: handshake.peer ?? "", alpn: handshake.alpn };
  return undefined;
}

function rbacCallOf(call: InboundCall, path: InboundPath, serverName: string): RbacCall {
  const { security } = path;
  return {
    sourceIp: call.sourceIp,
    destinationIp: call.ip,
    destinationPort: call.port,
    serverName,
    peer: security.kind === "mutual TLS" ? { kind: "tls", uriSan: security.peer || undefined } : { kind: "plaintext" },
    headers: new Map(),
    path: undefined,
  };
}

const knownRbacFields = new Set(["rules", "stat_prefix"]);

function checkNetwork({ rbac }: ChainFilters, call: RbacCall, steps: Step[]): InboundOutcome | undefined {
  for (const { name, config } of rbac) {
    onlyFields(NetworkRbacSchema, config, knownRbacFields);
    if (config.rules === undefined) continue;
    const verdict = rbacVerdict(config.rules, call);
    steps.push({ at: "filter", name, because: describeVerdict(verdict) });
    if (!verdict.allowed) return { outcome: "denied", layer: "network", filter: name, verdict };
  }
  return undefined;
}

function deliver(
  resources: EnvoyResources,
  { end }: ChainFilters,
  call: InboundCall,
  rbacCall: RbacCall,
  path: Writable<InboundPath>,
  steps: Step[],
): InboundOutcome {
  if (end.kind === "tcp") {
    return { outcome: "accepted", protocol: "tcp", destinations: tcpDestinations(resources, end.proxy) };
  }
  if (call.request === undefined)
    throw simulateErrors.incompleteCall(`port ${call.port} is HTTP: describe the request`);
  const handled = handleRequest(resources, end.manager, call.request, rbacCall, steps);
  path.route = handled.route;
  switch (handled.kind) {
    case "denied":
      return { outcome: "denied", layer: "http", filter: handled.filter, verdict: handled.verdict };
    case "no-route":
      return { outcome: "noRoute" };
    case "answered": {
      const { by, status, headers, body } = handled;
      return { outcome: "answered", by, status, headers, body };
    }
    case "forwarded":
      return { outcome: "accepted", protocol: "http", destinations: handled.forwarding.destinations };
  }
}
