// The resource types that travel over ADS.

const prefix = "type.googleapis.com/";

export const typeUrls = {
  cluster: `${prefix}envoy.config.cluster.v3.Cluster`,
  endpoint: `${prefix}envoy.config.endpoint.v3.ClusterLoadAssignment`,
  listener: `${prefix}envoy.config.listener.v3.Listener`,
  route: `${prefix}envoy.config.route.v3.RouteConfiguration`,
  virtualHost: `${prefix}envoy.config.route.v3.VirtualHost`,
  secret: `${prefix}envoy.extensions.transport_sockets.tls.v3.Secret`,
  extensionConfig: `${prefix}envoy.config.core.v3.TypedExtensionConfig`,
  /** Istio's name table, for agents. */
  nameTable: `${prefix}istio.networking.nds.v1.NameTable`,
  /** Istio's mesh configuration for agents (PCDS). */
  proxyConfig: `${prefix}istio.mesh.v1alpha1.ProxyConfig`,
  /** Istio's health report, agent to control plane. */
  health: `${prefix}istio.v1.HealthInformation`,
  /** A question of the control plane to our own agent. */
  query: `${prefix}lateen.agent.v1.Query`,
  /** What our own agent must know of its machine: workloads, ports, capture, DNS. */
  machine: `${prefix}lateen.agent.v1.MachineConfig`,
  /** A route configuration for our own agent, its virtual hosts one by one. */
  routePart: `${prefix}lateen.agent.v1.RoutePart`,
} as const;

export type TypeName = keyof typeof typeUrls;

/** Types whose first, empty subscription means "everything" (xDS protocol, wildcard). */
const wildcardTypes: ReadonlySet<string> = new Set([
  typeUrls.cluster,
  typeUrls.listener,
  typeUrls.nameTable,
  typeUrls.proxyConfig,
  typeUrls.query,
  typeUrls.machine,
  typeUrls.routePart,
]);

export function isWildcardType(typeUrl: string): boolean {
  return wildcardTypes.has(typeUrl);
}

/** Istio's order of pushing: make before break. Types not listed come after these. */
export const pushOrder: readonly string[] = [
  typeUrls.machine,
  typeUrls.cluster,
  typeUrls.endpoint,
  typeUrls.listener,
  typeUrls.route,
  typeUrls.routePart,
  typeUrls.secret,
  typeUrls.nameTable,
];
