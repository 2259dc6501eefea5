// What MeshConfig says, with its defaults filled in and its units stated.

export interface MeshSettings {
  readonly trustDomain: string;
  readonly trustDomainAliases: readonly string[];
  readonly rootNamespace: string;
  /** DNS suffix of mesh names, `cluster.local`. */
  readonly domainSuffix: string;
  readonly clusterId: string;
  readonly outboundTrafficPolicy: "ALLOW_ANY" | "REGISTRY_ONLY";
  /** Path of the access log, empty for none. */
  readonly accessLogFile: string;
  /** Empty for Istio's default format. */
  readonly accessLogFormat: string;
  readonly accessLogEncoding: "TEXT" | "JSON";
  readonly connectTimeoutMs: number;
  readonly enableAutoMtls: boolean;
  readonly minTlsVersion: "TLSV1_2" | "TLSV1_3";
  readonly defaultServiceExportTo: readonly string[];
  readonly defaultVirtualServiceExportTo: readonly string[];
  readonly defaultDestinationRuleExportTo: readonly string[];
  readonly pathNormalization: "NONE" | "BASE" | "MERGE_SLASHES" | "DECODE_AND_MERGE_SLASHES";
  readonly dnsRefreshRateMs: number;
  readonly proxyListenPort: number;
  readonly proxyInboundListenPort: number;
}

/** Key of the one entry in a `Collection<MeshSettings>`. */
export const meshSettingsKey = "mesh";

/** Istio's defaults (pkg/config/mesh/mesh.go). */
export const defaultMeshSettings: MeshSettings = {
  trustDomain: "cluster.local",
  trustDomainAliases: [],
  rootNamespace: "istio-system",
  domainSuffix: "cluster.local",
  clusterId: "Kubernetes",
  outboundTrafficPolicy: "ALLOW_ANY",
  accessLogFile: "",
  accessLogFormat: "",
  accessLogEncoding: "TEXT",
  connectTimeoutMs: 10_000,
  enableAutoMtls: true,
  minTlsVersion: "TLSV1_2",
  defaultServiceExportTo: ["*"],
  defaultVirtualServiceExportTo: ["*"],
  defaultDestinationRuleExportTo: ["*"],
  pathNormalization: "BASE",
  dnsRefreshRateMs: 60_000,
  proxyListenPort: 15001,
  proxyInboundListenPort: 15006,
};
