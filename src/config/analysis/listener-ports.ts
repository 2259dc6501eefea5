// Services that are called on a port at which every proxy itself listens: they get no listener there.
import { configCodes } from "../errors.ts";
import { isListenerPort, type ListenPorts } from "../listener-port.ts";
import { carriesHost, parseProtocol, protocolOfName } from "../port-protocol.ts";
import type { ServiceEntry, ServicePort } from "../service-entry/service-entry.ts";
import type { Report } from "./analyzed-object.ts";
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
