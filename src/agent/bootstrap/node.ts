// How this machine introduces itself: Envoy's Node with Istio's id and metadata (`pkg/model/proxy.go`).
import type { JsonObject } from "@bufbuild/protobuf";
import type { EnvoyVersion } from "../envoy/envoy-version.ts";

export interface NodeInput {
  /** Name the control plane gave the machine; unique in its namespace. */
  name: string;
  namespace: string;
  serviceAccount: string;
  /** Addresses of the machine, the primary one first. */
  addresses: readonly string[];
  /** DNS suffix of the mesh, `cluster.local`. */
  domainSuffix: string;
  trustDomain: string;
  meshId: string;
  /** WorkloadGroup that registers the machine. */
  group: string;
  labels: Readonly<Record<string, string>>;
  /** Port name to number. */
  ports: Readonly<Record<string, number>>;
  /** `region/zone/subzone`; empty if unknown. */
  locality: string;
  network: string;
  clusterId: string;
  dnsCapture: boolean;
  statusPort: number;
  prometheusPort: number;
  agentVersion: string;
  /** What Lateen's own control plane may use with this agent. */
  capabilities: readonly string[];
  envoy: EnvoyVersion;
}

/** Istio's release whose proxies this agent behaves like; control planes choose features by it. */
export const istioVersion = "1.30.0";

/** `sidecar~IP~NAME.NAMESPACE~NAMESPACE.svc.SUFFIX`. */
export function nodeId(input: Pick<NodeInput, "addresses" | "name" | "namespace" | "domainSuffix">): string {
  const { addresses, name, namespace, domainSuffix } = input;
  return `sidecar~${addresses[0] ?? ""}~${name}.${namespace}~${namespace}.svc.${domainSuffix}`;
}

/** envoy.config.core.v3.Node as JSON: part of the bootstrap, and what the agent sends of itself. */
export function buildNode(input: NodeInput): JsonObject {
  const { labels, namespace, group, locality, envoy } = input;
  const [region = "", zone = "", subZone = ""] = locality.split("/");
  const app = labels["service.istio.io/canonical-name"] ?? labels["app"] ?? group;
  return {
    id: nodeId(input),
    cluster: `${app === "" ? "istio-proxy" : app}.${namespace}`,
    ...(region === "" ? {} : { locality: { region, zone, subZone } }),
    userAgentName: "envoy",
    userAgentBuildVersion: {
      version: { majorNumber: envoy.major, minorNumber: envoy.minor, patch: envoy.patch },
      metadata: { build: envoy.build },
    },
    metadata: {
      NAME: input.name,
      NAMESPACE: namespace,
      WORKLOAD_NAME: group === "" ? input.name : group,
      SERVICE_ACCOUNT: input.serviceAccount,
      INSTANCE_IPS: input.addresses.join(","),
      LABELS: { ...labels },
      MESH_ID: input.meshId,
      CLUSTER_ID: input.clusterId,
      NETWORK: input.network,
      ISTIO_VERSION: istioVersion,
      INTERCEPTION_MODE: "REDIRECT",
      POD_PORTS: JSON.stringify(
        Object.entries(input.ports).map(([name, containerPort]) => ({ name, containerPort, protocol: "TCP" })),
      ),
      PROXY_CONFIG: { trustDomain: input.trustDomain },
      ...(group === "" ? {} : { AUTO_REGISTER_GROUP: group }),
      // Istio's booleans are strings.
      DNS_CAPTURE: String(input.dnsCapture),
      ENVOY_STATUS_PORT: String(input.statusPort),
      ENVOY_PROMETHEUS_PORT: String(input.prometheusPort),
      LATEEN: { version: input.agentVersion, capabilities: [...input.capabilities] },
    },
  };
}
