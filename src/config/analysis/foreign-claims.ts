// Hosts and addresses that objects of several namespaces claim: only one of them has an effect for a caller.
import { canonicalAddress } from "../../kernel/canonical-address.ts";
import { cidrContains, parseCidr } from "../../kernel/ip-address.ts";
import { configCodes } from "../errors.ts";
import type { ServiceEntry } from "../service-entry/service-entry.ts";
import { type AnalyzedObject, nameOf, type Report } from "./analyzed-object.ts";
import type { MeshIndex } from "./mesh-index.ts";
import { overlap, type Visible, visibleIn } from "./visibility.ts";

interface Claim {
  readonly on: AnalyzedObject<ServiceEntry>;
  readonly path: string;
  readonly visible: Visible;
}

/** Claims of one name or address that are compared with each other. */
const comparedLimit = 200;
/** Others that are named in one message. */
const namedLimit = 3;
/** Where the addresses come from that services without one are given. */
const givenRanges = ["240.240.0.0/16", "2001:2::/48"].flatMap((text) => parseCidr(text) ?? []);

export function checkForeignClaims(index: MeshIndex, domainSuffix: string, report: Report): void {
  const hosts = new Map<string, Claim[]>();
  const addresses = new Map<string, Claim[]>();
  for (const on of index.serviceEntries) {
    const { spec, metadata } = on.object;
    const visible = visibleIn(spec?.exportTo, metadata.namespace);
    for (const [at, host] of (spec?.hosts ?? []).entries()) {
      add(hosts, index.fullHost(host, metadata.namespace), { on, path: `spec.hosts[${at}]`, visible });
    }
    for (const [at, address] of (spec?.addresses ?? []).entries()) {
      const path = `spec.addresses[${at}]`;
      add(addresses, canonicalAddress(address), { on, path, visible });
      const block = parseCidr(address);
      if (block !== undefined && givenRanges.some((range) => cidrContains(range, block.network))) {
        const message = `${address} is one of those that services without an address are given: whom it was given to goes before other namespaces' services`;
        report({ on, code: configCodes.claimedElsewhere, path, message, remedy: "State another address, or none." });
      }
    }
  }
  for (const [host, claims] of hosts) {
    const home = homeOf(host, domainSuffix);
    compare(claims, claims, report, (others) =>
      home === undefined
        ? `the host ${host} is also defined by ${others}; callers of other namespaces reach the oldest only`
        : `the host ${host} is also defined by ${others}; callers of other namespaces reach that of namespace ${home}, if it has one`,
    );
    for (const local of [`${host}.svc.${domainSuffix}`, `${host}.${domainSuffix}`]) {
      const owner = homeOf(local, domainSuffix);
      const owners = (hosts.get(local) ?? []).filter(({ on }) => on.object.metadata.namespace === owner);
      compare(
        claims,
        owners,
        report,
        (others) => `${host} is a short name of ${local} (${others}), which callers of other namespaces reach`,
      );
    }
  }
  for (const [address, claims] of addresses) {
    compare(
      claims,
      claims,
      report,
      (others) =>
        `the address ${address} is also stated by ${others}; callers of other namespaces reach the oldest only`,
    );
  }
}

function add(map: Map<string, Claim[]>, key: string, claim: Claim): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [claim]);
  else list.push(claim);
}

/** Reports each claim that some namespace sees beside one of another namespace. */
function compare(
  claims: readonly Claim[],
  rivals: readonly Claim[],
  report: Report,
  message: (others: string) => string,
): void {
  for (const claim of claims.slice(0, comparedLimit)) {
    const { namespace } = claim.on.object.metadata;
    const others = rivals
      .slice(0, comparedLimit)
      .filter(({ on, visible }) => on.object.metadata.namespace !== namespace && overlap(claim.visible, visible))
      .map(({ on }) => nameOf(on));
    const named = [...new Set(others)];
    if (named.length === 0) continue;
    const more = named.length > namedLimit ? ` and ${named.length - namedLimit} more` : "";
    report({
      on: claim.on,
      code: configCodes.claimedElsewhere,
      path: claim.path,
      message: message(`ServiceEntry ${named.slice(0, namedLimit).join(", ")}${more}`),
      remedy: 'Let one namespace define it, or set exportTo to ["."] for what is for the own namespace only.',
    });
  }
}

/** `shop` of `reviews.shop.svc.cluster.local`; undefined for hosts that tell no namespace. */
function homeOf(host: string, domainSuffix: string): string | undefined {
  const tail = `.svc.${domainSuffix}`;
  const [, owner, ...rest] = host.endsWith(tail) ? host.slice(0, -tail.length).split(".") : [];
  return rest.length > 0 || owner === "" ? undefined : owner;
}
