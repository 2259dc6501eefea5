// The services that one scope may see, one for each host.
import type { Collection } from "../collection/collection.ts";
import { Derived } from "../collection/derived.ts";
import type { Caller, CallerFacts } from "./caller.ts";
import { homeNamespace, localHostsOf } from "./hostname.ts";
import { type Service, serviceAge } from "./service.ts";
import { ageOf } from "./source-ref.ts";
import { isVisible } from "./visibility.ts";

/**
 * By host. Where several namespaces define a host, the caller's own wins, else the oldest (Istio's
 * PILOT_SIDECAR_PICK_BEST_SERVICE_NAMESPACE); but a name that tells its namespace belongs to that one before any third, and
 * so do its short forms: `reviews.shop` is `reviews.shop.svc.cluster.local`, whatever else a namespace calls so.
 *
 * @param servicesByHost all services, gathered by host
 */
export function deriveVisibleServices(
  servicesByHost: Collection<readonly Service[]>,
  facts: CallerFacts,
  domainSuffix: string,
): Derived<readonly Service[], Service> {
  const isHome = ({ host, namespace }: Service): boolean => homeNamespace(host, domainSuffix) === namespace;
  return new Derived<readonly Service[], Service>({
    name: "visible-services",
    from: servicesByHost,
    uses: [servicesByHost, facts],
    derive: (services, host, read) => {
      const caller = { is: (name: string) => read.get(facts, name) === true };
      const isOwn = (service: Service): boolean => caller.is(service.namespace);
      const isSeen = (service: Service): boolean => isOwn(service) || isVisible(service.visibility, caller);
      const visible = services.filter(isSeen);
      const best = visible.find(isOwn) ?? visible.find(isHome) ?? [...visible].sort(olderFirst)[0];
      if (best === undefined) return [];
      const isShortForm = localHostsOf(best.host, domainSuffix).some((local) =>
        read.get(servicesByHost, local)?.some((service) => isSeen(service) && isHome(service)),
      );
      return isShortForm && !isOwn(best) ? [] : [[host, best]];
    },
    equals: Object.is,
  });
}

function olderFirst(a: Service, b: Service): number {
  const [ageA, ageB] = [a, b].map((service) => ageOf(service.entries[0])) as [string, string];
  return ageA === ageB ? (a.namespace < b.namespace ? -1 : 1) : ageA < ageB ? -1 : 1;
}

/** By what a service has the addresses that it calls its own. */
export interface AddressClaim {
  /** `own`: it is of the caller's namespace. `given`: the addresses were allocated to it. `stated`: it says so. */
  readonly by: "own" | "given" | "stated";
  /** Who has an address that several claim, to be compared as text: own before given before stated, then the oldest. */
  readonly rank: string;
}

export function addressClaim(service: Service, caller: Pick<Caller, "is" | "autoAddresses">): AddressClaim {
  const isGiven = caller.autoAddresses && service.addresses.length === 0 && service.autoAddresses.length > 0;
  const by = caller.is(service.namespace) ? "own" : isGiven ? "given" : "stated";
  return { by, rank: `${{ own: 0, given: 1, stated: 2 }[by]}/${serviceAge(service)}` };
}

/**
 * True where a block that one service has stays whole though another claims a part of it. Else the narrower claim has its
 * part: a wide one must not take what many others claim, however old it is.
 */
export function keepsWhole(block: AddressClaim, part: AddressClaim): boolean {
  return block.by === "own" && part.by === "stated";
}

/** Addresses a proxy of the scope sees for the service: stated ones, else allocated ones. */
export function addressesOf(service: Service, scope: Pick<Caller, "autoAddresses" | "ipv6">): readonly string[] {
  const addresses = service.addresses.length > 0 ? service.addresses : scope.autoAddresses ? service.autoAddresses : [];
  return scope.ipv6 ? addresses : addresses.filter((address) => !address.includes(":"));
}
