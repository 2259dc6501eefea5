// Everything that decides what one workload's proxy does with what comes in.
import type { AuthorizationView } from "./authorization.ts";
import type { EffectivePeerAuthentication, MtlsMode } from "./peer-authentication.ts";
import { isHttp, type Protocol } from "./protocol.ts";
import type { ProxyWorkload } from "./proxy-workload.ts";
import type { InboundService } from "./service-instance.ts";
import type { SourceRef } from "./source-ref.ts";

export interface InboundPort {
  /** The port the application listens on. */
  readonly port: number;
  readonly protocol: Protocol;
  readonly mode: MtlsMode;
  readonly host: string;
  readonly serviceName: string;
  readonly serviceNamespace: string;
}

/** Not its addresses: machines that differ in nothing else share what is made of the view. */
export type InboundWorkload = Omit<ProxyWorkload, "addresses" | "ports" | "serviceAccount">;

export interface InboundView {
  readonly workload: InboundWorkload;
  /** Sorted by port. */
  readonly ports: readonly InboundPort[];
  /** For ports that no service names, single ones before all others; sorted. */
  readonly otherPorts: readonly { readonly port: number; readonly mode: MtlsMode }[];
  readonly otherMode: MtlsMode;
  readonly authorization: AuthorizationView;
  readonly sources: readonly SourceRef[];
}

/** @param own port of the proxy's inbound listener, which is no application's: forwarding to it would loop */
export function inboundView(
  { addresses: _addresses, ports: _ports, serviceAccount: _account, ...workload }: ProxyWorkload,
  services: readonly InboundService[],
  authentication: EffectivePeerAuthentication,
  authorization: AuthorizationView,
  own: number,
): InboundView {
  const ports = new Map<number, InboundPort>();
  for (const { service, ports: numbers } of services) {
    for (const servicePort of service.ports) {
      const port = numbers[servicePort.number];
      if (port === undefined || port === own) continue;
      const present = ports.get(port);
      // Two services on one port: HTTP says more than TCP, else the first by name.
      if (present !== undefined && (isHttp(present.protocol) || !isHttp(servicePort.protocol))) continue;
      ports.set(port, {
        port,
        protocol: servicePort.protocol,
        mode: authentication.ports[port] ?? authentication.mode,
        host: service.host,
        serviceName: service.name,
        serviceNamespace: service.namespace,
      });
    }
  }
  return {
    workload,
    ports: [...ports.values()].sort((a, b) => a.port - b.port),
    otherPorts: Object.entries(authentication.ports)
      .map(([port, mode]) => ({ port: Number(port), mode }))
      .filter(({ port }) => !ports.has(port) && port !== own)
      .sort((a, b) => a.port - b.port),
    otherMode: authentication.mode,
    authorization,
    sources: [
      ...[...new Set(services.map(({ service }) => service))].flatMap(({ sources }) => sources),
      ...[...authentication.policies, ...authorization.deny, ...authorization.allow].map((config) => ({
        kind: config.key.kind,
        namespace: config.key.namespace,
        name: config.key.name,
      })),
    ],
  };
}
