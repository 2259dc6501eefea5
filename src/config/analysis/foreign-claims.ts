// Hosts and addresses that objects of several namespaces claim: only one of them has an effect for a caller.
import { CidrMap } from "../../kernel/cidr-map.ts";
import { type Cidr, cidrContains, formatCidr, parseCidr } from "../../kernel/ip-address.ts";
import { configCodes } from "../errors.ts";
import { type AnalyzedObject, nameOf, type Report } from "./analyzed-object.ts";
import { defineCheck, defineCheckOfEach, type Look } from "./check.ts";
import { homeOf } from "./home-namespace.ts";
import type { KnownServices } from "./known-services.ts";
import type { AnalyzedService } from "./object-lists.ts";
import { overlap, type Visible, visibleIn } from "./visibility.ts";

type Entry = AnalyzedObject<AnalyzedService>;

interface Claim {
  readonly on: AnalyzedObject;
  readonly visible: Visible;
}

interface AddressClaim extends Claim {
  readonly on: Entry;
  readonly path: string;
  /** As it is written. */
  readonly text: string;
  readonly cidr: Cidr;
}

/** Claims that one is compared with, of those of the same name, address or block. */
const comparedLimit = 200;
/** Others that are named in one message. */
const namedLimit = 3;
/** Where the addresses come from that services without one are given. */
const givenRanges = ["240.240.0.0/16", "2001:2::/48"].flatMap((text) => parseCidr(text) ?? []);

const oneOwner = 'Let one namespace define it, or set exportTo to ["."] for what is for the own namespace only.';

export const foreignHosts = defineCheckOfEach({
  of: "serviceEntries",
  reads: ["services"],
  find: (on, { services }, look) => checkHosts(on, services, look),
});

function checkHosts(on: Entry, services: KnownServices, { settings, report }: Look): void {
  for (const [at, { host, visible }] of (services.byEntry.get(on) ?? []).entries()) {
    const check = (rivals: readonly Claim[], message: (others: string) => string): void =>
      compare({ on, visible }, rivals, (others) =>
        report({
          on,
          code: configCodes.claimedElsewhere,
          path: `spec.hosts[${at}]`,
          message: message(others),
          remedy: oneOwner,
        }),
      );
    const rivals = services.byHost.get(host) ?? [];
    // Most hosts have one definition, and are nobody's short name.
    if (rivals.length > 1) {
      const home = homeOf(host, settings);
      const winner = home === undefined ? "the oldest only" : `that of namespace ${home}, if it has one`;
      check(
        rivals,
        (others) => `the host ${host} is also defined by ${others}; callers of other namespaces reach ${winner}`,
      );
    }
    const owners = services.byShortName.get(host);
    const local = owners?.[0]?.host;
    if (owners === undefined || local === undefined) continue;
    check(
      owners,
      (others) => `${host} is a short name of ${local} (${others}), which callers of other namespaces reach`,
    );
  }
}

/** Addresses, or entries, that are looked at before it yields. */
const addressesPerStep = 500;

export const foreignAddresses = defineCheck({
  of: "serviceEntries",
  reads: ["serviceEntries"],
  find: (wanted, { serviceEntries }, { report }) => checkAddresses(serviceEntries, wanted, report),
});

function* checkAddresses(all: readonly Entry[], wanted: readonly Entry[], report: Report): Generator<void, void, void> {
  const asked = yield* claimsOf(wanted);
  if (asked.length === 0) return;
  const ours = new CidrMap<string>(1);
  for (const [at, { cidr }] of asked.entries()) {
    if (at % addressesPerStep === addressesPerStep - 1) yield;
    ours.add(cidr, spell(cidr));
  }
  const theirs = new CidrMap<AddressClaim>(comparedLimit);
  /** By the block around them. */
  const inside = new Map<string, AddressClaim[]>();
  const stated = all === wanted ? asked : yield* claimsOf(all);
  for (const [at, claim] of stated.entries()) {
    if (at % addressesPerStep === addressesPerStep - 1) yield;
    theirs.add(claim.cidr, claim);
    const blocks = ours.holding(claim.cidr);
    const address = blocks.length === 0 ? "" : spell(claim.cidr);
    for (const block of blocks) {
      if (block === address) continue;
      const list = inside.get(block);
      if (list === undefined) inside.set(block, [claim]);
      else if (list.length < comparedLimit) list.push(claim);
    }
  }
  for (const [at, claim] of asked.entries()) {
    if (at % addressesPerStep === addressesPerStep - 1) yield;
    const { on, path, cidr } = claim;
    const address = spell(cidr);
    const found = (message: string, remedy: string): void =>
      report({ on, code: configCodes.claimedElsewhere, path, message, remedy });
    if (givenRanges.some((range) => cidrContains(range, cidr.network) || cidrContains(cidr, range.network))) {
      found(
        `${claim.text} is or holds addresses that services without one are given: whom one was given to goes before other namespaces' services`,
        "State another address, or none.",
      );
    }
    const around = theirs.holding(cidr);
    const equal = around.filter((other) => other.cidr.prefix === cidr.prefix);
    compare(claim, equal, (others) =>
      found(
        `the address ${address} is also stated by ${others}; callers of other namespaces reach the oldest only`,
        oneOwner,
      ),
    );
    const wider = around.filter((other) => other.cidr.prefix < cidr.prefix && sharesPort(other, claim));
    compare(claim, wider, (others) =>
      found(`the address ${address} lies in a block of ${others}, which callers of that namespace reach`, oneOwner),
    );
    const narrower = (inside.get(address) ?? []).filter((other) => sharesPort(other, claim));
    compare(claim, narrower, (others) =>
      found(
        `the block ${address} holds addresses that ${others} states; callers of other namespaces reach those there`,
        oneOwner,
      ),
    );
  }
}

function* claimsOf(entries: readonly Entry[]): Generator<void, AddressClaim[], void> {
  const claims: AddressClaim[] = [];
  for (const [at, on] of entries.entries()) {
    if (at % addressesPerStep === addressesPerStep - 1) yield;
    const { spec, metadata } = on.object;
    if (spec?.addresses === undefined) continue;
    const visible = visibleIn(spec.exportTo, metadata.namespace);
    for (const [index, text] of spec.addresses.entries()) {
      const cidr = parseCidr(text);
      if (cidr !== undefined) claims.push({ on, visible, path: `spec.addresses[${index}]`, text, cidr });
    }
  }
  return claims;
}

function sharesPort(a: AddressClaim, b: AddressClaim): boolean {
  const numbers = new Set(a.on.object.spec?.ports?.map(({ number }) => number));
  return b.on.object.spec?.ports?.some(({ number }) => numbers.has(number)) ?? false;
}

/** A block of one address is that address. */
function spell(cidr: Cidr): string {
  const text = formatCidr(cidr);
  return cidr.prefix === cidr.network.length * 8 ? text.slice(0, text.indexOf("/")) : text;
}

/** Names the rivals of other namespaces that some namespace sees beside the claim. */
function compare({ on, visible }: Claim, rivals: readonly Claim[], report: (others: string) => void): void {
  const { namespace } = on.object.metadata;
  const others = new Set<AnalyzedObject>();
  for (const rival of rivals.slice(0, comparedLimit)) {
    if (rival.on.object.metadata.namespace !== namespace && overlap(visible, rival.visible)) others.add(rival.on);
  }
  if (others.size === 0) return;
  const named = [...others].slice(0, namedLimit).map(nameOf).join(", ");
  report(`ServiceEntry ${named}${others.size > namedLimit ? ` and ${others.size - namedLimit} more` : ""}`);
}
