// Everything that decides one outbound cluster.

import { matchesLabels } from "../config/selector.ts";
import { type ClusterName, outboundClusterName, sniOf } from "./cluster-name.ts";
import type { PortPolicy } from "./destination-rule.ts";
import { type HostRules, policyFor } from "./destination-rule.ts";
import type { ServiceEndpoints } from "./endpoint.ts";
import type { MeshSettings } from "./mesh-settings.ts";
import { isHttp2, type Protocol } from "./protocol.ts";
import type { Service, ServicePort } from "./service.ts";
import { type SourceRef, sourceRefOf } from "./source-ref.ts";

/** How Envoy finds the cluster's endpoints. */
export type Discovery = "eds" | "strict-dns" | "logical-dns" | "original-dst";

/** An address in a DNS cluster. */
export interface DnsEndpoint {
  readonly address: string;
  readonly port: number;
  readonly weight: number;
}

export type ClusterTls =
  /**
   * Mutual TLS to the endpoints that take it, plaintext to the others. `sans` is never empty: an endpoint that arrives
   * before the service account it runs as is known is refused, not trusted.
   */
  | { readonly mode: "auto"; readonly sni: string; readonly sans: readonly string[] }
  | { readonly mode: "istio-mutual"; readonly sni: string; readonly sans: readonly string[] }
  | {
      readonly mode: "simple" | "mutual";
      readonly sni: string;
      readonly sans: readonly string[];
      readonly caCertificates: string | undefined;
      readonly clientCertificate: string | undefined;
      readonly privateKey: string | undefined;
      readonly insecureSkipVerify: boolean;
    }
  | { readonly mode: "plaintext" };

export interface ClusterView {
  readonly name: ClusterName;
  readonly host: string;
  readonly serviceName: string;
  readonly serviceNamespace: string;
  readonly port: number;
  readonly protocol: Protocol;
  readonly subset: string;
  readonly discovery: Discovery;
  readonly dnsEndpoints: readonly DnsEndpoint[];
  readonly http2: boolean;
  readonly tls: ClusterTls;
  readonly policy: PortPolicy;
  readonly external: boolean;
  readonly connectTimeoutMs: number;
  readonly dnsRefreshRateMs: number;
  readonly minTlsVersion: MeshSettings["minTlsVersion"];
  /** API path of the DestinationRule, Istio's cluster metadata `config`. */
  readonly rulePath: string | undefined;
  readonly sources: readonly SourceRef[];
}

/** The views of all clusters of a service: each port, alone and with each subset. */
export function clusterViews(
  service: Service,
  endpoints: ServiceEndpoints | undefined,
  rules: HostRules,
  mesh: MeshSettings,
): ClusterView[] {
  const views: ClusterView[] = [];
  for (const port of service.ports) {
    views.push(clusterView(service, port, undefined, endpoints, rules, mesh));
    for (const subset of rules.subsets) views.push(clusterView(service, port, subset, endpoints, rules, mesh));
  }
  return views;
}

function clusterView(
  service: Service,
  port: ServicePort,
  subset: HostRules["subsets"][number] | undefined,
  endpoints: ServiceEndpoints | undefined,
  rules: HostRules,
  mesh: MeshSettings,
): ClusterView {
  const policy = policyFor(rules.trafficPolicy, subset?.trafficPolicy, port.number);
  const subsetName = subset?.name ?? "";
  const discovery = discoveryOf(service);
  const [rule] = rules.rules;
  return {
    name: outboundClusterName(service.host, port.number, subsetName),
    host: service.host,
    serviceName: service.name,
    serviceNamespace: service.namespace,
    port: port.number,
    protocol: port.protocol,
    subset: subsetName,
    discovery,
    dnsEndpoints:
      discovery === "strict-dns" || discovery === "logical-dns"
        ? dnsEndpoints(service, port, subset?.labels, endpoints)
        : [],
    http2: isHttp2(port.protocol) || policy.connectionPool?.http?.h2UpgradePolicy === "UPGRADE",
    tls: clusterTls(service, port, subsetName, policy, endpoints, mesh),
    policy,
    external: service.external,
    connectTimeoutMs: mesh.connectTimeoutMs,
    dnsRefreshRateMs: mesh.dnsRefreshRateMs,
    minTlsVersion: mesh.minTlsVersion,
    rulePath:
      rule === undefined
        ? undefined
        : `/apis/networking.istio.io/v1/namespaces/${rule.key.namespace}/destination-rule/${rule.key.name}`,
    sources: [...service.sources, ...rules.rules.map(sourceRefOf)],
  };
}

function discoveryOf(service: Service): Discovery {
  if (service.resolution === "static") return "eds";
  if (service.resolution === "dns") return "strict-dns";
  if (service.resolution === "dns-round-robin") return "logical-dns";
  return "original-dst";
}

/** Without endpoints the host itself is resolved. */
function dnsEndpoints(
  service: Service,
  port: ServicePort,
  labels: Record<string, string> | undefined,
  endpoints: ServiceEndpoints | undefined,
): DnsEndpoint[] {
  const members = endpoints?.endpoints ?? [];
  if (members.length === 0) return [{ address: service.host, port: port.targetPort, weight: 1 }];
  return members
    .filter(({ workload }) => matchesLabels(labels, workload.labels))
    .flatMap((endpoint) =>
      endpoint.workload.addresses.slice(0, 1).map((address) => ({
        address,
        port: endpoint.ports[port.number] ?? port.targetPort,
        weight: endpoint.workload.weight,
      })),
    );
}

function clusterTls(
  service: Service,
  port: ServicePort,
  subset: string,
  policy: PortPolicy,
  endpoints: ServiceEndpoints | undefined,
  mesh: MeshSettings,
): ClusterTls {
  const sni = sniOf(service.host, port.number, subset);
  const accounts = (endpoints?.serviceAccounts ?? []).map((account) => {
    const [namespace, name] = account.split("/");
    return `spiffe://${mesh.trustDomain}/ns/${namespace}/sa/${name}`;
  });
  const sans = [...new Set([...accounts, ...service.subjectAltNames])].sort();
  const tls = policy.tls;
  switch (tls?.mode) {
    case "DISABLE":
      return { mode: "plaintext" };
    case "ISTIO_MUTUAL":
      return {
        mode: "istio-mutual",
        sni: nonEmpty(tls.sni) ?? sni,
        sans: tls.subjectAltNames?.length ? tls.subjectAltNames : sans,
      };
    case "SIMPLE":
    case "MUTUAL":
      return {
        mode: tls.mode === "SIMPLE" ? "simple" : "mutual",
        sni: nonEmpty(tls.sni) ?? (service.external ? service.host : ""),
        sans: tls.subjectAltNames?.length ? tls.subjectAltNames : service.subjectAltNames,
        caCertificates: nonEmpty(tls.caCertificates),
        clientCertificate: nonEmpty(tls.clientCertificate),
        privateKey: nonEmpty(tls.privateKey),
        insecureSkipVerify: tls.insecureSkipVerify === true,
      };
    default:
      if (!mesh.enableAutoMtls || service.resolution === "none") return { mode: "plaintext" };
      if (service.external && !anyMutualTls(endpoints, port.number)) return { mode: "plaintext" };
      return { mode: "auto", sni, sans: sans.length > 0 ? sans : [`spiffe://${mesh.trustDomain}/nobody`] };
  }
}

function anyMutualTls(endpoints: ServiceEndpoints | undefined, port: number): boolean {
  return endpoints?.endpoints.some((endpoint) => endpoint.mtlsPorts.includes(port)) ?? false;
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === undefined || text === "" ? undefined : text;
}
