// Several VirtualServices for one host on sidecars: only the oldest has an effect, in each namespace that sees both.
import type { VirtualService } from "../virtual-service/virtual-service.ts";
import { type AnalyzedObject, analysisCodes, nameOf } from "./analyzed-object.ts";
import { defineCheckOfEach } from "./check.ts";
import { claimsOf } from "./host-claims.ts";
import { overlap, visibleIn } from "./visibility.ts";

/** Claims of one host that are compared with each other. */
const comparedLimit = 200;
/** Others that are named in one message. */
const namedLimit = 5;

export const conflictingHosts = defineCheckOfEach({
  of: "virtualServices",
  reads: ["hostClaims"],
  find(on, { hostClaims }, { settings, report }) {
    for (const [host, path] of claimsOf(on, settings)) {
      const claims = hostClaims.get(host) ?? [];
      if (claims.length < 2) continue;
      const compared = claims.slice(0, comparedLimit).map((claim) => claim.on);
      if (!compared.includes(on)) continue;
      const others = compared.filter((other) => other !== on && overlap(visibilityOf(on), visibilityOf(other)));
      if (others.length === 0) continue;
      const named = others.slice(0, namedLimit).map(nameOf);
      const more = others.length > namedLimit ? ` and ${others.length - namedLimit} more` : "";
      report({
        on,
        code: analysisCodes.conflictingHosts,
        path,
        message: `the host ${host} is also claimed by VirtualService ${named.join(", ")}${more}; sidecars use the oldest only`,
        remedy: "Put the rules for the host into one VirtualService, or keep them apart with exportTo.",
      });
    }
  },
});

function visibilityOf({ object: { spec, metadata } }: AnalyzedObject<VirtualService>) {
  return visibleIn(spec?.exportTo, metadata.namespace);
}
