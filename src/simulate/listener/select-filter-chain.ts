// Which filter chain takes a connection (envoy.config.listener.v3.FilterChainMatch).
import {
  type FilterChain,
  type FilterChainMatch,
  FilterChainMatchSchema,
} from "../../../gen/envoy/config/listener/v3/listener_components_pb.ts";
import { type Listener, ListenerSchema } from "../../../gen/envoy/config/listener/v3/listener_pb.ts";
import { onlyFields } from "../known-fields.ts";
import { prefixLengthHolding } from "../match/cidr-range.ts";
import type { Connection } from "./connection.ts";
import type { Inspected } from "./inspect-connection.ts";

interface Candidate {
  readonly chain: FilterChain;
  readonly match: FilterChainMatch | undefined;
}

/** How well a chain fits in one criterion: higher is more specific, undefined is not at all. */
type Fit = (match: FilterChainMatch | undefined) => number | undefined;

const knownListenerFields = new Set([
  "name",
  "address",
  "additional_addresses",
  "filter_chains",
  "use_original_dst",
  "default_filter_chain",
  "listener_filters",
  "listener_filters_timeout",
  "continue_on_listener_filters_timeout",
  "traffic_direction",
  "bind_to_port",
  "stat_prefix",
  "access_log",
  "metadata",
]);

const knownMatchFields = new Set([
  "destination_port",
  "prefix_ranges",
  "source_prefix_ranges",
  "server_names",
  "transport_protocol",
  "application_protocols",
]);

/**
 * Envoy goes through the criteria in a fixed order; each leaves only the chains that are most specific in it, and there is
 * no way back. Where nothing is left, the default chain takes the connection.
 *
 * @throws LateenError LAT2201 for criteria that are not carried out here
 */
export function selectFilterChain(
  listener: Listener,
  connection: Connection,
  inspected: Inspected & { kind: "known" },
): { chain: FilterChain; because: string } | undefined {
  onlyFields(ListenerSchema, listener, knownListenerFields);
  let candidates: readonly Candidate[] = listener.filterChains.map((chain) => ({
    chain,
    match: chain.filterChainMatch,
  }));
  for (const { match } of candidates) {
    if (match !== undefined) onlyFields(FilterChainMatchSchema, match, knownMatchFields);
  }
  for (const fit of criteria(connection, inspected)) candidates = mostSpecific(candidates, fit);
  const [best] = candidates;
  if (best !== undefined) return { chain: best.chain, because: describeMatch(best.match) };
  const fallback = listener.defaultFilterChain;
  return fallback === undefined ? undefined : { chain: fallback, because: "no other chain matches" };
}

function criteria(connection: Connection, inspected: Inspected & { kind: "known" }): Fit[] {
  return [
    (match) => exactOrAny(match?.destinationPort, connection.destinationPort),
    (match) => longestPrefix(match?.prefixRanges ?? [], connection.destinationIp),
    (match) => longestName(match?.serverNames ?? [], inspected.serverName),
    (match) => exactOrAny(match?.transportProtocol || undefined, inspected.transportProtocol),
    (match) => earliest(match?.applicationProtocols ?? [], inspected.applicationProtocols),
    (match) => longestPrefix(match?.sourcePrefixRanges ?? [], connection.sourceIp),
  ];
}

function mostSpecific(candidates: readonly Candidate[], fit: Fit): readonly Candidate[] {
  const fits = candidates.map((candidate) => fit(candidate.match));
  const best = Math.max(...fits.map((value) => value ?? -1));
  return best < 0 ? [] : candidates.filter((_, index) => fits[index] === best);
}

function exactOrAny<T>(wanted: T | undefined, actual: T): number | undefined {
  if (wanted === undefined) return 0;
  return wanted === actual ? 1 : undefined;
}

function longestPrefix(ranges: FilterChainMatch["prefixRanges"], address: string | undefined): number | undefined {
  if (ranges.length === 0) return 0;
  const held = ranges.map((range) => prefixLengthHolding(range, address)).filter((length) => length !== undefined);
  return held.length === 0 ? undefined : 1 + Math.max(...held);
}

/** `www.example.com` before `*.example.com` before `*.com` before any. */
function longestName(names: readonly string[], actual: string): number | undefined {
  if (names.length === 0) return 0;
  const lengths = names.map((name) => {
    if (name === actual) return 1 + 2 * name.length;
    return name.startsWith("*.") && actual.endsWith(name.slice(1)) && actual.length > name.length - 1
      ? 2 * name.length
      : undefined;
  });
  const held = lengths.filter((length) => length !== undefined);
  return held.length === 0 ? undefined : Math.max(...held);
}

/** The client's first protocol that any chain names decides. */
function earliest(wanted: readonly string[], offered: readonly string[]): number | undefined {
  if (wanted.length === 0) return 0;
  const index = offered.findIndex((protocol) => wanted.includes(protocol));
  return index < 0 ? undefined : offered.length - index;
}

function describeMatch(match: FilterChainMatch | undefined): string {
  const parts = [
    match?.destinationPort === undefined ? "" : `port ${match.destinationPort}`,
    (match?.prefixRanges ?? []).map((range) => `${range.addressPrefix}/${range.prefixLen ?? 0}`).join(" or "),
    (match?.serverNames ?? []).join(" or "),
    match?.transportProtocol ?? "",
    (match?.applicationProtocols ?? []).length === 0 ? "" : `ALPN ${match?.applicationProtocols.join(" or ")}`,
    (match?.sourcePrefixRanges ?? [])
      .map((range) => `from ${range.addressPrefix}/${range.prefixLen ?? 0}`)
      .join(" or "),
  ].filter((part) => part !== "");
  return parts.length === 0 ? "it takes every connection" : `it matches ${parts.join(", ")}`;
}
