// Everything that decides one outbound cluster.
import { type ClusterName, outboundClusterName, sniOf } from "./cluster-name.ts";
import type { PortPolicy } from "./destination-rule.ts";
import { type HostRules, policyFor } from "./destination-rule.ts";
import { type Discovery, discoveryOf } from "./discovery.ts";
import type { ServiceEndpoints } from "./endpoint.ts";
import { type EndpointView, endpointViews } from "./endpoint-view.ts";
import { isWildcardHost } from "./hostname.ts";
import type { MeshSettings } from "./mesh-settings.ts";
import { isHttp, isHttp2, type Protocol } from "./protocol.ts";
import type { Service, ServicePort } from "./service.ts";
import { type SourceRef, sourceRefOf } from "./source-ref.ts";

export type ClusterTls =
  /**
   * Mutual TLS to the endpoints that take it, plaintext to the others. `sans` is never empty: an endpoint that arrives
   * before the service account it runs as is known is refused, not trusted.
   */
  | { readonly mode: "auto"; readonly sni: string; readonly sans: readonly string[] }
  | { readonly mode: "istio-mutual"; readonly sni: string; readonly sans: readonly string[] }
  | {
      readonly mode: "simple" | "mutual";
      /** Undefined: the host of each request, and the certificate must be for it. */
      readonly sni: string | undefined;
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
  /** Port that is called in place of the one that the application called; of services that it finds itself. */
  readonly portOverride: number | undefined;
  /** Of clusters whose endpoints DNS finds; empty for others. */
  readonly dnsEndpoints: readonly EndpointView[];
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
  const discovery = discoveryOf(service, policy);
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
    portOverride: service.resolution === "none" && port.statesTarget ? port.targetPort : undefined,
    dnsEndpoints:
      discovery === "strict-dns" || discovery === "logical-dns"
        ? endpointViews(port, subset?.labels, endpoints, discovery)
        : [],
    http2:
      isHttp2(port.protocol) || (isHttp(port.protocol) && policy.connectionPool?.http?.h2UpgradePolicy === "UPGRADE"),
    tls: clusterTls(service, port, subsetName, policy, discovery, endpoints, mesh),
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

function clusterTls(
  service: Service,
  port: ServicePort,
  subset: string,
  policy: PortPolicy,
  discovery: Discovery,
  endpoints: ServiceEndpoints | undefined,
  mesh: MeshSettings,
): ClusterTls {
  const sni = sniOf(service.host, port.number, subset);
  const sans = [...new Set([...accountNames(endpoints, mesh), ...service.subjectAltNames])].sort();
  const { tls } = policy;
  const mode = tls === undefined ? "AUTO" : (tls.mode ?? "DISABLE");
  switch (mode) {
    case "DISABLE":
      return { mode: "plaintext" };
    case "ISTIO_MUTUAL":
      return {
        mode: "istio-mutual",
        sni: tls?.sni || sni,
        sans: tls?.subjectAltNames?.length
          ? tls.subjectAltNames
          : sans.length > 0
            ? sans
            : unknownAccounts(discovery, mesh),
      };
    case "SIMPLE":
    case "MUTUAL":
      return {
        mode: mode === "SIMPLE" ? "simple" : "mutual",
        sni: tls?.sni || (isWildcardHost(service.host) ? undefined : service.host),
        sans: tls?.subjectAltNames?.length ? tls.subjectAltNames : service.subjectAltNames,
        caCertificates: tls?.caCertificates || undefined,
        clientCertificate: tls?.clientCertificate || undefined,
        privateKey: tls?.privateKey || undefined,
        insecureSkipVerify: tls?.insecureSkipVerify === true,
      };
    case "AUTO":
      if (!mesh.enableAutoMtls) return { mode: "plaintext" };
      if (discovery === "original-dst") {
        if (!passesMutualTls(endpoints, port.number)) return { mode: "plaintext" };
        return { mode: "istio-mutual", sni, sans: sans.length > 0 ? sans : [nobodyOf(mesh)] };
      }
      if (service.external && !anyMutualTls(endpoints, port.number)) return { mode: "plaintext" };
      return { mode: "auto", sni, sans: sans.length > 0 ? sans : [nobodyOf(mesh)] };
  }
}

/** Certificates of the endpoints' service accounts, in the mesh's trust domain or one of its aliases. */
function accountNames(endpoints: ServiceEndpoints | undefined, mesh: MeshSettings): string[] {
  return (endpoints?.serviceAccounts ?? []).flatMap((account) => {
    const [namespace, name] = account.split("/");
    return [mesh.trustDomain, ...mesh.trustDomainAliases].map(
      (trustDomain) => `spiffe://${trustDomain}/ns/${namespace}/sa/${name}`,
    );
  });
}

/** A name that no certificate holds: endpoints that come before their accounts are known are refused, not trusted. */
function nobodyOf(mesh: MeshSettings): string {
  return `spiffe://${mesh.trustDomain}/nobody`;
}

/** Where DNS or the client finds the endpoints, no account will ever be known: any identity of the mesh is taken, as in Istio. */
function unknownAccounts(discovery: Discovery, mesh: MeshSettings): string[] {
  return discovery === "eds" ? [nobodyOf(mesh)] : [];
}

/**
 * Where the application names the address, all connections of the cluster are alike: mutual TLS if every endpoint of the
 * port takes it, and also if a registered one does, which nothing beside it may turn to plaintext.
 */
function passesMutualTls(endpoints: ServiceEndpoints | undefined, port: number): boolean {
  const serving = endpoints?.endpoints.filter(({ ports }) => ports[port] !== undefined) ?? [];
  const taking = serving.filter(({ mtlsPorts }) => mtlsPorts.includes(port));
  return taking.some(({ workload }) => workload.registered) || (taking.length > 0 && taking.length === serving.length);
}

function anyMutualTls(endpoints: ServiceEndpoints | undefined, port: number): boolean {
  return endpoints?.endpoints.some((endpoint) => endpoint.mtlsPorts.includes(port)) ?? false;
}
