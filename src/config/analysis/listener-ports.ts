// Ports at which every proxy itself listens, named as if they were those of a service or of an application.
import { configCodes } from "../errors.ts";
import { formatPath, type PathSegment } from "../field-path.ts";
import { isListenerPort } from "../listener-port.ts";
import { carriesHost, parseProtocol, protocolOfName } from "../port-protocol.ts";
import type { ServicePort } from "../service-entry/service-entry.ts";
import type { AnalyzedObject } from "./analyzed-object.ts";
import { defineCheckOfEach, type Look } from "./check.ts";
import type { AnalyzedService } from "./object-lists.ts";

const serviceListenerPorts = defineCheckOfEach({
  of: "serviceEntries",
  reads: [],
  find(on, _, look) {
    const { spec } = on.object;
    if (spec === undefined) return;
    const { listenPorts } = look.settings;
    for (const [at, port] of (spec.ports ?? []).entries()) {
      if (!isListenerPort(port.number, listenPorts) || !isCalledAtAnyAddress(spec, port)) continue;
      look.report({
        on,
        code: configCodes.listenerPort,
        path: `spec.ports[${at}].number`,
        message: `proxies listen on port ${port.number} themselves, so what applications send there does not reach the service`,
        remedy: "Let clients call another port; targetPort may stay what it is.",
      });
    }
    // What is outside the mesh has no proxy.
    if (spec.location !== "MESH_INTERNAL") return;
    for (const [at, { targetPort }] of (spec.ports ?? []).entries()) {
      if (targetPort === listenPorts.proxyInboundListenPort) reportInbound(look, on, "ports", at, "targetPort");
    }
    for (const [at, { ports }] of (spec.endpoints ?? []).entries())
      checkInbound(ports, look, on, "endpoints", at, "ports");
  },
});

const entryListenerPorts = defineCheckOfEach({
  of: "workloadEntries",
  reads: [],
  find: (on, _, look) => checkInbound(on.object.spec?.ports, look, on, "ports"),
});

const groupListenerPorts = defineCheckOfEach({
  of: "workloadGroups",
  reads: [],
  find: (on, _, look) => checkInbound(on.object.spec?.template.ports, look, on, "template", "ports"),
});

const policyListenerPorts = defineCheckOfEach({
  of: "peerAuthentications",
  reads: [],
  find(on, _, look) {
    const { proxyInboundListenPort: inbound } = look.settings.listenPorts;
    const { portLevelMtls = {} } = on.object.spec ?? {};
    if (portLevelMtls[inbound] !== undefined) reportInbound(look, on, "portLevelMtls", String(inbound));
  },
});

export const listenerPorts = [serviceListenerPorts, entryListenerPorts, groupListenerPorts, policyListenerPorts];

function checkInbound(
  ports: Readonly<Record<string, number>> | undefined,
  look: Look,
  on: AnalyzedObject,
  ...path: PathSegment[]
): void {
  if (ports === undefined) return;
  for (const [name, port] of Object.entries(ports)) {
    if (port === look.settings.listenPorts.proxyInboundListenPort) reportInbound(look, on, ...path, name);
  }
}

/** A place that takes the port of the proxies' inbound listener for one of an application. */
function reportInbound({ settings, report }: Look, on: AnalyzedObject, ...path: PathSegment[]): void {
  report({
    on,
    code: configCodes.listenerPort,
    path: formatPath(["spec", ...path]),
    message: `port ${settings.listenPorts.proxyInboundListenPort} of a machine is its proxy's own, which forwards nothing that is meant for it`,
    remedy: "Name the port that the application listens on.",
  });
}

/** HTTP is told apart by its host, whatever the address; other ports where the service has no address of its own. */
function isCalledAtAnyAddress(spec: AnalyzedService, port: ServicePort): boolean {
  const protocol = parseProtocol(port.protocol ?? "") ?? protocolOfName(port.name) ?? "TCP";
  if (carriesHost(port) && protocol !== "TLS" && protocol !== "HTTPS") return true;
  const addresses = spec.addresses ?? [];
  if (addresses.length > 0) return addresses.some((address) => address.includes("/"));
  // Without an address, it is called at one that the mesh gives it.
  return (spec.resolution ?? "NONE") === "NONE" || spec.hosts.some((host) => host.startsWith("*"));
}
