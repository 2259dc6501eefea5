// What the control plane knows of one connected proxy: the rows of `lateen proxy-status`.

/** Column names as istioctl prints them. */
export type XdsColumn = "CDS" | "LDS" | "EDS" | "RDS" | "ECDS" | "NDS";

export type SyncState =
  /** Everything sent was acknowledged. */
  | "SYNCED"
  /** The proxy never asked for the type. */
  | "NOT SENT"
  /** Sent and not acknowledged yet. */
  | "STALE"
  /** The proxy rejected the last content; istioctl prints Envoy's word for it, ERROR. */
  | "NACK";

export interface TypeStatus {
  state: SyncState;
  /** Resources the proxy holds of this type; of routes that travel in parts, the parts. */
  resources: number;
  /** RFC 3339; of the last message sent and of the last acknowledgement. */
  sentAt?: string;
  ackedAt?: string;
  /** Envoy's message where the state is NACK. */
  error?: string;
  /** Objects, as `Kind/namespace/name`, that made the rejected resources. */
  objects?: string[];
}

export interface ProxyStatus {
  /** `name.namespace`, as istioctl prints it; machines of different groups may share one. */
  name: string;
  namespace: string;
  clusterId: string;
  nodeId: string;
  /** Name of its WorkloadEntry, which no other has; absent where it is registered as none. */
  workloadEntry?: string;
  /** Proven SPIFFE id; absent on plaintext streams. */
  identity?: string;
  /** Version of the agent or of Istio as the node says. */
  version: string;
  envoyVersion?: string;
  /** Name of the control plane that serves it. */
  controlPlane: string;
  /** RFC 3339. */
  connectedAt: string;
  /** True where the machine's agent can be asked questions. */
  queryable: boolean;
  types: Partial<Record<XdsColumn, TypeStatus>>;
}
