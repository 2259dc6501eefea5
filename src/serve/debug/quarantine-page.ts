// What proxies reject and others are therefore not sent: which content, for which Envoy, and what holds instead.
import type { Collection } from "../../collection/collection.ts";
import { formatConfigRef } from "../../xds/config-ref.ts";
import type { Substitution } from "../../xds/substitution.ts";
import { typeName } from "../ads/type-name.ts";
import type { DebugPage } from "./debug-page.ts";

/** Characters of the proxies' words. */
const messageLength = 2_048;

export function quarantinePage(quarantine: {
  readonly substitutions: Collection<Substitution>;
  readonly statuses: Collection<unknown>;
}): DebugPage {
  return {
    name: "quarantine",
    help: "Content that proxies reject and that others of their Envoy version are not sent, remembered also for when it comes again; under objects, what authors are told now",
    show: () => ({
      substitutions: [...quarantine.substitutions.values()].map(shownSubstitution),
      objects: Object.fromEntries(quarantine.statuses.entries()),
    }),
  };
}

function shownSubstitution(substitution: Substitution): unknown {
  const { typeUrl, name, fragment, version, envoyVersion, accepted, message, sources } = substitution;
  return {
    type: typeName(typeUrl).toUpperCase(),
    name,
    ...(fragment === undefined ? {} : { part: fragment }),
    rejected: version,
    envoyVersion,
    servedInstead: [...new Set([...accepted.values()].map((content) => content.version))],
    objects: sources.map(formatConfigRef),
    message: message.slice(0, messageLength),
  };
}
