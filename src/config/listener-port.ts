// Ports at which every proxy itself listens, on all addresses of its machine.

/** MeshConfig's ports of the two listeners that capture leads to. */
export interface ListenPorts {
  readonly proxyListenPort: number;
  readonly proxyInboundListenPort: number;
}

/** Istio's defaults (MeshConfig.proxyListenPort, MeshConfig.proxyInboundListenPort). */
export const defaultListenPorts: ListenPorts = { proxyListenPort: 15001, proxyInboundListenPort: 15006 };

/** Of Envoy's bootstrap: readiness, and the metrics (Istio's envoyStatusPort and envoyPrometheusPort). */
const bootstrapPorts: readonly number[] = [15021, 15090];

/**
 * True for a port of which no other listener can have all addresses: Envoy refuses the second, whichever that is
 * (Istio's conflictWithReservedListener).
 */
export function isListenerPort(port: number, ports: ListenPorts): boolean {
  return port === ports.proxyListenPort || port === ports.proxyInboundListenPort || bootstrapPorts.includes(port);
}

/** The other ports that a machine's agent and Envoy listen on: administration, the agent's status, DNS. */
const agentPorts: readonly number[] = [15000, 15020, 15053];

/** True for a port that MeshConfig must not give to the listeners that capture leads to. */
export function isMachinePort(port: number): boolean {
  return bootstrapPorts.includes(port) || agentPorts.includes(port);
}
