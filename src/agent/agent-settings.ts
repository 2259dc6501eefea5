// What an agent is told when it starts.
import type { MachineNetwork } from "./machine-network.ts";
import type { Owner } from "./socket/socket-folder.ts";

export interface AgentSettings {
  /** Encrypted state: identity and last known good resources. */
  dataFolder: string;
  /** The socket, Envoy's bootstrap and pid; emptied by a reboot. */
  runFolder: string;
  /** The machine's network, asked for whenever the control plane is told of it. */
  network: () => MachineNetwork;
  /** Where 15020, 15021 and 15090 listen. */
  statusAddress: string;
  ports: AgentPorts;
  /** Value of `--envoy`. */
  envoy?: string;
  /** Envoy's worker threads; 0 for one per CPU. */
  concurrency: number;
  envoyLogLevel: "trace" | "debug" | "info" | "warning" | "error";
  /** Longest time that connections may take to end when the agent stops, milliseconds. */
  drainMs: number;
  /** Most client connections of Envoy together. */
  maxDownstreamConnections: number;
  /** Numeric user of this process. */
  self: number;
  /** User that Envoy runs as; only where this process is root. */
  runAs: Owner | undefined;
  agentVersion: string;
}

/** Ports as Istio's proxies have them. */
export interface AgentPorts {
  /** 15000, Envoy's admin interface, loopback only. */
  admin: number;
  /** 15020, the agent's metrics merged with Envoy's, and readiness. */
  agent: number;
  /** 15021, readiness through Envoy. */
  status: number;
  /** 15090, Envoy's metrics. */
  prometheus: number;
}

export const istioPorts: AgentPorts = { admin: 15_000, agent: 15_020, status: 15_021, prometheus: 15_090 };

/** Istio's user and group of the proxy, which traffic capture leaves alone. */
export const proxyOwner: Owner = { uid: 1337, gid: 1337 };

/** Defaults for a machine; folders, network, users and version must be given. */
export const defaultSettings = {
  statusAddress: "0.0.0.0",
  ports: istioPorts,
  concurrency: 0,
  envoyLogLevel: "warning",
  // Istio's MINIMUM_DRAIN_DURATION.
  drainMs: 5_000,
  maxDownstreamConnections: 100_000,
} as const satisfies Partial<AgentSettings>;
