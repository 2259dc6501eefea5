// The scopes that a fleet's first proxies will probably have, where no proxy was ever there: what is made of the mesh for one scope
// is mostly what other scopes need.
import type { Collection } from "../collection/collection.ts";
import type { Config } from "../config/object.ts";
import { Tally } from "../kernel/tally.ts";
import type { ServedScope } from "../translate/mesh-generator.ts";

/** The namespace with most WorkloadGroups, or else with most objects, as agents of ours and Istio's see it; none in an empty mesh. */
export function likelyScopes(configs: Collection<Config>): ServedScope[] {
  const objects = new Tally<string>();
  const groups = new Tally<string>();
  for (const { key } of configs.values()) {
    objects.add(key.namespace);
    if (key.kind === "WorkloadGroup") groups.add(key.namespace);
  }
  const namespace = mostOf(groups) ?? mostOf(objects);
  if (namespace === undefined) return [];
  const ours = { namespace, autoAddresses: true, sourceLabels: {}, ipv6: true, ipv6Names: false };
  return [ours, { ...ours, autoAddresses: false, ipv6: false }].map((scope) => ({ scope, envoyVersion: "" }));
}

function mostOf(tally: Tally<string>): string | undefined {
  const [most] = [...tally.entries()].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  return most?.[0];
}
