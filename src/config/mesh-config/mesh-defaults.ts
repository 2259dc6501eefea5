// What MeshConfig says where its author says nothing, as istiod has it.
import { type Fields, isFields } from "../../kernel/fields.ts";
import type { MeshConfig } from "./mesh-config-schema.ts";

const defaults = {
  trustDomain: "cluster.local",
  trustDomainAliases: [] as string[],
  rootNamespace: "istio-system",
  outboundTrafficPolicy: { mode: "ALLOW_ANY" },
  inboundTrafficPolicy: { mode: "PASSTHROUGH" },
  accessLogFile: "",
  accessLogFormat: "",
  accessLogEncoding: "TEXT",
  connectTimeout: "10s",
  protocolDetectionTimeout: "0s",
  enableAutoMtls: true,
  defaultServiceExportTo: ["*"],
  defaultVirtualServiceExportTo: ["*"],
  defaultDestinationRuleExportTo: ["*"],
  dnsRefreshRate: "60s",
  enablePrometheusMerge: true,
  meshMTLS: { minProtocolVersion: "TLS_AUTO" },
  pathNormalization: { normalization: "DEFAULT" },
  proxyListenPort: 15001,
  proxyInboundListenPort: 15006,
  h2UpgradePolicy: "DO_NOT_UPGRADE",
  localityLbSetting: { enabled: true },
  visibility: "istio",
  enableTracing: true,
  ingressClass: "istio",
  ingressService: "istio-ingressgateway",
  ingressControllerMode: "STRICT",
  extensionProviders: [
    { name: "prometheus", prometheus: {} },
    { name: "stackdriver", stackdriver: {} },
    { name: "envoy", envoyFileAccessLog: { path: "/dev/stdout" } },
  ],
  defaultConfig: {
    configPath: "./etc/istio/proxy",
    binaryPath: "/usr/local/bin/envoy",
    serviceCluster: "istio-proxy",
    drainDuration: "45s",
    terminationDrainDuration: "5s",
    discoveryAddress: "istiod.istio-system.svc:15012",
    proxyAdminPort: 15000,
    statusPort: 15020,
    statNameLength: 189,
    controlPlaneAuthPolicy: "MUTUAL_TLS",
    proxyMetadata: {} as Record<string, string>,
  },
} satisfies MeshConfig;

/** A MeshConfig whose fields with a default are there. */
export type CompleteMeshConfig = Omit<MeshConfig, keyof typeof defaults> & {
  [K in keyof typeof defaults]-?: Complete<NonNullable<MeshConfig[K]>, (typeof defaults)[K]>;
};

/** Objects keep their other fields optional; lists and maps are taken whole. */
type Complete<T, D> = D extends readonly unknown[]
  ? T
  : D extends object
    ? Omit<T, keyof D> & { [K in keyof D & keyof T]-?: NonNullable<T[K]> }
    : T;

/**
 * Fills in what the author left open, field by field. Lists replace the default, except for `extensionProviders`: the
 * built-in ones stay unless one of the same name is given.
 */
export function withMeshDefaults(config: MeshConfig): CompleteMeshConfig {
  const merged = mergeFields(defaults, config) as unknown as CompleteMeshConfig;
  const names = new Set((config.extensionProviders ?? []).map((provider) => provider.name));
  const builtIn = defaults.extensionProviders.filter((provider) => !names.has(provider.name));
  merged.extensionProviders = [...(config.extensionProviders ?? []), ...builtIn];
  // serviceCluster and tracingServiceName exclude each other (proto oneof).
  if (config.defaultConfig?.tracingServiceName !== undefined) {
    const { serviceCluster: _default, ...others } = merged.defaultConfig;
    merged.defaultConfig = others as typeof merged.defaultConfig;
  }
  return merged;
}

/** The result shares nothing with the defaults, so that no caller can change them for the next. */
function mergeFields(base: Fields, over: Fields): Fields {
  const merged: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(base)) merged[name] = copy(value);
  for (const [name, value] of Object.entries(over)) {
    const under = merged[name];
    merged[name] = isFields(under) && isFields(value) ? mergeFields(under, value) : copy(value);
  }
  return merged;
}

function copy(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copy);
  return isFields(value) ? mergeFields({}, value) : value;
}
