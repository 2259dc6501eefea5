// Decides what a question is answered with: from the mesh's names, from the machine's resolvers, or with a refusal.
import type { Random } from "../../kernel/random.ts";
import { answerLimit, buildAnyAnswer, buildEmptyAnswer, buildMeshAnswer, type DnsTransport } from "./dns-answer.ts";
import { dnsFlag, dnsType, rcode } from "./dns-constant.ts";
import type { DnsForwarder } from "./dns-forwarder.ts";
import type { DnsMetrics } from "./dns-metrics.ts";
import { isWithin } from "./dns-name.ts";
import { type DnsQuery, readQuery } from "./dns-query.ts";
import { canonicalName, type MeshName, type NameLookup } from "./name-table.ts";

export interface ResolverOptions {
  /** The names in force; undefined until the first table came. A swap is one assignment, seen by the next question. */
  table: () => NameLookup | undefined;
  /** The mesh's own domain, such as `cluster.local`; text form. */
  domainSuffix: () => string;
  /** Of `/etc/resolv.conf`, text form; read for every question. */
  searchDomains: () => readonly string[];
  forwarder: DnsForwarder;
  random: Random;
  metrics: DnsMetrics;
}

type Found =
  | { readonly kind: "host"; readonly name: MeshName }
  /** The C library added a search domain; the answer says what the name stands for. */
  | { readonly kind: "alias"; readonly name: MeshName; readonly canonical: Uint8Array };

export interface DnsResolver {
  /** The answer's bytes, at once where the mesh knows it; undefined where the bytes deserve no answer. Never throws. */
  answer(bytes: Uint8Array, transport: DnsTransport): Uint8Array | undefined | Promise<Uint8Array>;
}

export function createDnsResolver(options: ResolverOptions): DnsResolver {
  const { metrics, forwarder } = options;
  return {
    answer(bytes, transport) {
      metrics.requests.inc();
      const read = readQuery(bytes);
      if (read.kind !== "query") {
        metrics.refusals.inc({ reason: "malformed" });
        return read.kind === "ignored" ? undefined : buildEmptyAnswer(read.echo, read.rcode);
      }
      const { query } = read;
      if (forwarder.isLoop(query)) {
        metrics.refusals.inc({ reason: "loop" });
        return buildEmptyAnswer(query, rcode.servFail);
      }
      const table = options.table();
      const domainSuffix = options.domainSuffix();
      const inMeshDomain = domainSuffix !== "" && isWithin(query.name, domainSuffix);
      if (table === undefined && inMeshDomain) {
        metrics.refusals.inc({ reason: "no_table" });
        return buildEmptyAnswer(query, rcode.servFail);
      }
      const found = table === undefined ? undefined : find(table, query.name, options.searchDomains());
      if (found !== undefined) {
        const known = answerKnown(query, found, answerLimit(query, transport), options.random);
        if (known !== undefined) return known;
        // Nobody outside knows the mesh's own domain.
        return inMeshDomain ? buildEmptyAnswer(query, rcode.noError) : forward(forwarder, query, transport, "known");
      }
      // "Everything you have" is an amplifier over UDP; RFC 8482 allows to answer it over TCP only.
      if (query.type === dnsType.any && transport === "udp") {
        return buildEmptyAnswer(query, rcode.noError, dnsFlag.truncated);
      }
      return forward(forwarder, query, transport, "unknown");
    },
  };
}

/** A name as it is goes before one with a search domain, and both before wildcards. */
function find(table: NameLookup, name: string, searchDomains: readonly string[]): Found | undefined {
  const exact = table.findExact(name);
  if (exact !== undefined) return { kind: "host", name: exact };
  for (const zone of searchDomains) {
    if (!name.endsWith(`.${zone}`)) continue;
    const host = table.findExact(name.slice(0, -zone.length - 1));
    const canonical = host === undefined ? undefined : canonicalName(host);
    if (host !== undefined && canonical !== undefined) return { kind: "alias", name: host, canonical };
  }
  const wildcard = table.findWildcard(name);
  return wildcard === undefined ? undefined : { kind: "host", name: wildcard };
}

/** Undefined for types that the mesh knows nothing about. */
function answerKnown(query: DnsQuery, found: Found, limit: number, random: Random): Uint8Array | undefined {
  const canonical = found.kind === "alias" ? found.canonical : undefined;
  switch (query.type) {
    case dnsType.a:
      return buildMeshAnswer(query, rotated(found.name.ipv4, random), canonical, limit);
    case dnsType.aaaa:
      return buildMeshAnswer(query, rotated(found.name.ipv6, random), canonical, limit);
    case dnsType.any:
      return buildAnyAnswer(query, limit);
    default:
      return undefined;
  }
}

/** Another first address every time: many clients only ever use the first. */
function rotated(addresses: readonly Uint8Array[], random: Random): readonly Uint8Array[] {
  if (addresses.length < 2) return addresses;
  const at = Math.floor(random.fraction() * addresses.length);
  return [...addresses.slice(at), ...addresses.slice(0, at)];
}

/**
 * @param toMesh "known": the mesh has the name, so "no such name" from outside only means that it has no such record; a
 *   stub would else believe that the name does not exist at all (RFC 8020)
 */
async function forward(
  forwarder: DnsForwarder,
  query: DnsQuery,
  transport: DnsTransport,
  toMesh: "known" | "unknown",
): Promise<Uint8Array> {
  const result = await forwarder.forward(query, transport);
  if (toMesh === "known" && (result.kind === "failed" || result.rcode === rcode.nxDomain)) {
    return buildEmptyAnswer(query, rcode.noError);
  }
  if (result.kind === "failed") return buildEmptyAnswer(query, result.rcode);
  const fits = result.bytes.length <= answerLimit(query, transport);
  return fits ? result.bytes : buildEmptyAnswer(query, result.rcode, dnsFlag.truncated);
}
