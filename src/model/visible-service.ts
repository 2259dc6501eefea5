// The services that one scope may see, one for each host.
import type { Collection } from "../collection/collection.ts";
import { Derived } from "../collection/derived.ts";
import type { Scope } from "./scope.ts";
import type { Service } from "./service.ts";
import { ageOf } from "./source-ref.ts";
import { isVisible } from "./visibility.ts";

/**
 * By host. Where several namespaces define a host, the caller's own wins, else the oldest (Istio's
 * PILOT_SIDECAR_PICK_BEST_SERVICE_NAMESPACE).
 *
 * @param servicesByHost all services, gathered by host
 */
export function deriveVisibleServices(
  servicesByHost: Collection<readonly Service[]>,
  scope: Scope,
): Derived<readonly Service[], Service> {
  return new Derived<readonly Service[], Service>({
    name: `visible-services(${scope.namespace})`,
    from: servicesByHost,
    derive: (services, host) => {
      const visible = services.filter(
        (service) => service.namespace === scope.namespace || isVisible(service.visibility, scope.namespace),
      );
      const best = visible.find((service) => service.namespace === scope.namespace) ?? [...visible].sort(olderFirst)[0];
      return best === undefined ? [] : [[host, best]];
    },
    equals: Object.is,
  });
}

function olderFirst(a: Service, b: Service): number {
  const [ageA, ageB] = [a, b].map((service) => ageOf(service.entries[0])) as [string, string];
  return ageA === ageB ? (a.namespace < b.namespace ? -1 : 1) : ageA < ageB ? -1 : 1;
}

/** Addresses a proxy of the scope sees for the service: stated ones, else allocated ones. */
export function addressesOf(service: Service, scope: Pick<Scope, "autoAddresses" | "ipv6">): readonly string[] {
  const addresses = service.addresses.length > 0 ? service.addresses : scope.autoAddresses ? service.autoAddresses : [];
  return scope.ipv6 ? addresses : addresses.filter((address) => !address.includes(":"));
}
