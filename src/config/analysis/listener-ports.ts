// Ports at which every proxy itself listens, named as if they were those of a service or of an application.
import { configCodes } from "../errors.ts";
import { formatPath, type PathSegment } from "../field-path.ts";
import { isListenerPort, type ListenPorts } from "../listener-port.ts";
import type { PeerAuthentication } from "../peer-authentication/peer-authentication.ts";
import { carriesHost, parseProtocol, protocolOfName } from "../port-protocol.ts";
import type { ServiceEntry, ServicePort } from "../service-entry/service-entry.ts";
import type { WorkloadEntry } from "../workload-entry/workload-entry.ts";
import type { WorkloadGroup } from "../workload-group/workload-group.ts";
import type { AnalyzedObject, Report } from "./analyzed-object.ts";
import type { MeshIndex } from "./mesh-index.ts";

export function checkListenerPorts(index: MeshIndex, own: ListenPorts, report: Report): void {
  for (const on of index.serviceEntries) {
    const { spec } = on.object;
    for (const [at, port] of (spec?.ports ?? []).entries()) {
      if (spec === undefined || !isListenerPort(port.number, own) || !isCalledAtAnyAddress(spec, port)) continue;
      report({
        on,
        code: configCodes.listenerPort,
        path: `spec.ports[${at}].number`,
        message: `proxies listen on port ${port.number} themselves, so what applications send there does not reach the service`,
        remedy: "Let clients call another port; targetPort may stay what it is.",
      });
    }
  }
  for (const { on, path } of namedInboundPorts(index, own.proxyInboundListenPort)) {
    report({
      on,
      code: configCodes.listenerPort,
      path,
      message: `port ${own.proxyInboundListenPort} of a machine is its proxy's own, which forwards nothing that is meant for it`,
      remedy: "Name the port that the application listens on.",
    });
  }
}

/** Places that take the port of the proxies' inbound listener for one of an application. */
function namedInboundPorts(index: MeshIndex, inbound: number): { on: AnalyzedObject; path: string }[] {
  const found: { on: AnalyzedObject; path: string }[] = [];
  const find = (on: AnalyzedObject, ...path: PathSegment[]) => found.push({ on, path: formatPath(["spec", ...path]) });
  const findIn = (ports: Readonly<Record<string, number>> | undefined, on: AnalyzedObject, ...path: PathSegment[]) => {
    for (const [name, port] of Object.entries(ports ?? {})) if (port === inbound) find(on, ...path, name);
  };
  for (const on of index.serviceEntries) {
    const { spec } = on.object;
    // What is outside the mesh has no proxy.
    if (spec?.location !== "MESH_INTERNAL") continue;
    for (const [at, { targetPort }] of (spec.ports ?? []).entries()) {
      if (targetPort === inbound) find(on, "ports", at, "targetPort");
    }
    for (const [at, { ports }] of (spec.endpoints ?? []).entries()) findIn(ports, on, "endpoints", at, "ports");
  }
  for (const on of index.others) {
    const { spec } = on.object;
    if (on.kind.kind === "WorkloadEntry") findIn((spec as WorkloadEntry | undefined)?.ports, on, "ports");
    if (on.kind.kind === "WorkloadGroup")
      findIn((spec as WorkloadGroup | undefined)?.template.ports, on, "template", "ports");
    if (on.kind.kind === "PeerAuthentication") {
      const { portLevelMtls = {} } = (spec ?? {}) as PeerAuthentication;
      if (portLevelMtls[inbound] !== undefined) find(on, "portLevelMtls", String(inbound));
    }
  }
  return found;
}

/** HTTP is told apart by its host, whatever the address; other ports where the service has no address of its own. */
function isCalledAtAnyAddress(spec: ServiceEntry, port: ServicePort): boolean {
  const protocol = parseProtocol(port.protocol ?? "") ?? protocolOfName(port.name) ?? "TCP";
  if (carriesHost(port) && protocol !== "TLS" && protocol !== "HTTPS") return true;
  const addresses = spec.addresses ?? [];
  if (addresses.length > 0) return addresses.some((address) => address.includes("/"));
  // Without an address, it is called at one that the mesh gives it.
  return (spec.resolution ?? "NONE") === "NONE" || spec.hosts.some((host) => host.startsWith("*"));
}
