// ServiceEntries that give one host and port different protocols: proxies can carry out one of them only.
import { analysisCodes, nameOf, type Report } from "./analyzed-object.ts";
import type { KnownService, MeshIndex } from "./mesh-index.ts";
import { overlap } from "./visibility.ts";

/** Entries for one host that are compared with each other. */
const comparedLimit = 200;

export function checkConflictingProtocols(index: MeshIndex, report: Report): void {
  for (const [host, services] of index.services) {
    if (services.length < 2) continue;
    const compared = services.slice(0, comparedLimit);
    for (const service of compared) checkService(host, service, compared, report);
  }
}

function checkService(host: string, service: KnownService, services: readonly KnownService[], report: Report): void {
  for (const [at, port] of service.ports.entries()) {
    for (const other of services) {
      if (other.on === service.on || !overlap(service.visible, other.visible)) continue;
      const conflict = other.ports.find(({ number, protocol }) => number === port.number && protocol !== port.protocol);
      if (conflict === undefined) continue;
      report({
        on: service.on,
        code: analysisCodes.conflictingProtocol,
        path: `spec.ports[${at}].protocol`,
        message: `port ${port.number} of ${host} is ${port.protocol} here and ${conflict.protocol} in ServiceEntry ${nameOf(other.on)}`,
        remedy: "Give the port one protocol, or keep the entries apart with exportTo.",
      });
      break;
    }
  }
}
