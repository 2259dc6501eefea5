// The names that a scope's agents resolve themselves.
import type { ScopeTraits } from "./caller.ts";
import type { Service } from "./service.ts";
import { addressesOf } from "./visible-service.ts";

export interface NameEntry {
  readonly host: string;
  readonly ips: readonly string[];
  /** Where the host is a mesh-local name, its parts; agents make the short forms from them. */
  readonly shortname: string;
  readonly namespace: string;
}

/** Undefined where the service has no address that DNS could answer with. */
export function nameEntry(service: Service, scope: ScopeTraits, domainSuffix: string): NameEntry | undefined {
  // Applications that ask for both families may try IPv6 first, and not again.
  const asked = { autoAddresses: scope.autoAddresses, ipv6: scope.ipv6Names };
  const ips = addressesOf(service, asked).filter((address) => !address.includes("/"));
  if (ips.length === 0) return undefined;
  const tail = `.svc.${domainSuffix}`;
  const [shortname = "", namespace = "", ...rest] = service.host.endsWith(tail)
    ? service.host.slice(0, -tail.length).split(".")
    : [];
  const local = namespace !== "" && rest.length === 0;
  return { host: service.host, ips, shortname: local ? shortname : "", namespace: local ? namespace : "" };
}
