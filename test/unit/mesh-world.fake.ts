// A mesh described in YAML, and short questions to it.
import type { InboundCall } from "../../src/simulate/inbound-call.ts";
import type { InboundResult } from "../../src/simulate/inbound-result.ts";
import type { OutboundResult } from "../../src/simulate/outbound-result.ts";
import { simulateInbound } from "../../src/simulate/simulate-inbound.ts";
import { simulateOutbound } from "../../src/simulate/simulate-outbound.ts";
import type { Transport } from "../../src/simulate/upstream/tls-client.ts";
import { rigOf } from "../../src/translate/golden-case.fake.ts";
import type { MeshRig, RigProxy } from "../../src/translate/mesh-rig.fake.ts";
import type { ClientView } from "../../src/xds/generator.ts";

export interface Ask {
  method?: string;
  headers?: Record<string, string>;
}

/** One machine's proxy, and what becomes of its calls. */
export interface Machine {
  readonly view: ClientView;
  /** `http://host[:port]/path?query`; the host is resolved by the agent, or is an address. */
  http(url: string, ask?: Ask): OutboundResult;
  /** `host:port`, or an address and port. */
  tcp(to: string): OutboundResult;
  tls(to: string, sni: string): OutboundResult;
  /** Plaintext HTTP to the machine itself. */
  receive(call: InboundCall): InboundResult;
}

/** ALPN of a sidecar's mutual TLS connection. */
export const sidecarAlpn = ["istio-http/1.1", "istio", "http/1.1"];

export function meshOf(yaml: string, meshConfig: Record<string, unknown> = {}): MeshRig {
  return rigOf(yaml, meshConfig);
}

export function machine(rig: MeshRig, proxy: Partial<RigProxy> = {}): Machine {
  const namespace = proxy.namespace ?? "shop";
  const view = rig.open({ name: "front", namespace, ip: "198.18.0.10", labels: { app: "front" }, ...proxy });
  const placeOf = (to: string) => {
    const [, host = "", port = ""] = /^(.*):(\d+)$/.exec(to) ?? [];
    return /^[\d.]+$/.test(host) ? { ip: host, port: Number(port) } : { host, port: Number(port), namespace };
  };
  return {
    view,
    http(url, { method = "GET", headers = {} } = {}) {
      const { host, hostname, port } = new URL(url);
      const path = url.slice(url.indexOf("/", "http://".length));
      const request = { method, path, authority: headers["host"] ?? host, headers };
      return simulateOutbound(view, { to: placeOf(`${hostname}:${port || 80}`), traffic: { kind: "http", request } });
    },
    tcp: (to) => simulateOutbound(view, { to: placeOf(to), traffic: { kind: "tcp" }, sourceIp: "198.18.0.10" }),
    tls: (to, sni) =>
      simulateOutbound(view, { to: placeOf(to), traffic: { kind: "tls", sni }, sourceIp: "198.18.0.10" }),
    receive: (call) => simulateInbound(view, call),
  };
}

/** Cluster → percent of the traffic. */
export function shares(result: OutboundResult): Record<string, number> {
  if (!("destinations" in result)) return {};
  return Object.fromEntries(result.destinations.map(({ cluster, share }) => [cluster, Math.round(share * 1000) / 10]));
}

/** Address → how the proxy speaks to it. */
export function transports(result: OutboundResult): Record<string, string> {
  if (!("destinations" in result)) return {};
  return Object.fromEntries(
    result.destinations.flatMap(({ upstream }) =>
      upstream.kind === "endpoints"
        ? upstream.endpoints.map(({ address, port, transport }) => [`${address}:${port}`, nameOf(transport)])
        : [],
    ),
  );
}

function nameOf(transport: Transport): string {
  if (transport.kind === "plaintext") return "plaintext";
  return transport.clientCertificate === "default" ? "mutual TLS" : "TLS";
}

/** The result, for the asserts that need it to be HTTP and forwarded. */
export function forwarded(result: OutboundResult): OutboundResult & { outcome: "routed"; protocol: "http" } {
  if (result.outcome !== "routed" || result.protocol !== "http")
    throw new TypeError(`not routed: ${JSON.stringify(result)}`);
  return result;
}

/** A service of the mesh with workloads that selectors find. */
export function service(name: string, ports: string, more = ""): string {
  return `
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: ${name}, namespace: shop}
spec:
  hosts: [${name}.shop.svc.cluster.local]
  location: MESH_INTERNAL
  resolution: STATIC
  ports: ${ports}
  workloadSelector: {labels: {app: ${name}}}
  ${more}
`;
}

export function workload(
  name: string,
  address: string,
  labels: string,
  { registered = true, more = "" }: { registered?: boolean; more?: string } = {},
): string {
  return `
---
apiVersion: networking.istio.io/v1
kind: WorkloadEntry
metadata:
  name: ${name}
  namespace: shop
  ${registered ? `annotations: {istio.io/autoRegistrationGroup: ${name}}` : ""}
spec:
  address: ${address}
  labels: ${labels}
  serviceAccount: ${name.split("-")[0]}
  ${more}
`;
}

export function object(kind: string, name: string, spec: string, namespace = "shop"): string {
  const group = kind === "PeerAuthentication" || kind === "AuthorizationPolicy" ? "security" : "networking";
  return `
---
apiVersion: ${group}.istio.io/v1
kind: ${kind}
metadata: {name: ${name}, namespace: ${namespace}}
spec: ${spec}
`;
}
