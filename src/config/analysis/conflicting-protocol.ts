// ServiceEntries that give one host and port different protocols: proxies can carry out one of them only.
import { analysisCodes, nameOf, type Report } from "./analyzed-object.ts";
import { defineCheckOfEach } from "./check.ts";
import type { KnownService } from "./known-services.ts";
import { overlap } from "./visibility.ts";

/** Entries for one host that are compared with each other. */
const comparedLimit = 200;

export const conflictingProtocols = defineCheckOfEach({
  of: "serviceEntries",
  reads: ["services"],
  find(on, { services }, { report }) {
    for (const service of services.byEntry.get(on) ?? []) {
      const all = services.byHost.get(service.host) ?? [];
      if (all.length < 2) continue;
      const compared = all.slice(0, comparedLimit);
      if (compared.includes(service)) checkService(service, compared, report);
    }
  },
});

function checkService(service: KnownService, services: readonly KnownService[], report: Report): void {
  for (const [at, port] of service.ports.entries()) {
    for (const other of services) {
      if (other.on === service.on || !overlap(service.visible, other.visible)) continue;
      const conflict = other.ports.find(({ number, protocol }) => number === port.number && protocol !== port.protocol);
      if (conflict === undefined) continue;
      report({
        on: service.on,
        code: analysisCodes.conflictingProtocol,
        path: `spec.ports[${at}].protocol`,
        message: `port ${port.number} of ${service.host} is ${port.protocol} here and ${conflict.protocol} in ServiceEntry ${nameOf(other.on)}`,
        remedy: "Give the port one protocol, or keep the entries apart with exportTo.",
      });
      break;
    }
  }
}
