// Several VirtualServices for one host on sidecars: only the oldest has an effect, in each namespace that sees both.
import type { VirtualService } from "../virtual-service/virtual-service.ts";
import { type AnalyzedObject, analysisCodes, nameOf, type Report } from "./analyzed-object.ts";
import type { MeshIndex } from "./mesh-index.ts";
import { overlap, visibleIn } from "./visibility.ts";

interface Claim {
  on: AnalyzedObject<VirtualService>;
  path: string;
}

/** Claims of one host that are compared with each other. */
const comparedLimit = 200;
/** Others that are named in one message. */
const namedLimit = 5;

export function checkConflictingHosts(index: MeshIndex, report: Report): void {
  const claims = new Map<string, Claim[]>();
  for (const on of index.virtualServices) {
    const { gateways = [], hosts = [] } = on.object.spec ?? {};
    if (gateways.length > 0 && !gateways.includes("mesh")) continue;
    for (const [at, host] of hosts.entries()) {
      const full = index.fullHost(host, on.object.metadata.namespace);
      const list = claims.get(full);
      if (list === undefined) claims.set(full, [{ on, path: `spec.hosts[${at}]` }]);
      else list.push({ on, path: `spec.hosts[${at}]` });
    }
  }
  for (const [host, list] of claims) {
    if (list.length < 2) continue;
    const compared = list.slice(0, comparedLimit);
    for (const { on, path } of compared) {
      const others = compared.filter((other) => other.on !== on && overlap(visibilityOf(on), visibilityOf(other.on)));
      if (others.length === 0) continue;
      const named = others.slice(0, namedLimit).map((other) => nameOf(other.on));
      const more = others.length > namedLimit ? ` and ${others.length - namedLimit} more` : "";
      report({
        on,
        code: analysisCodes.conflictingHosts,
        path,
        message: `the host ${host} is also claimed by VirtualService ${named.join(", ")}${more}; sidecars use the oldest only`,
        remedy: "Put the rules for the host into one VirtualService, or keep them apart with exportTo.",
      });
    }
  }
}

function visibilityOf({ object: { spec, metadata } }: AnalyzedObject<VirtualService>) {
  return visibleIn(spec?.exportTo, metadata.namespace);
}
