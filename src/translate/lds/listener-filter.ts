// Filters that look at a connection before its filter chain is chosen.
import { create } from "@bufbuild/protobuf";
import {
  type ListenerFilter,
  type ListenerFilterChainMatchPredicate,
  ListenerFilterChainMatchPredicateSchema,
  ListenerFilterSchema,
} from "../../../gen/envoy/config/listener/v3/listener_components_pb.ts";
import { OriginalDstSchema } from "../../../gen/envoy/extensions/filters/listener/original_dst/v3/original_dst_pb.ts";
import { TlsInspectorSchema } from "../../../gen/envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector_pb.ts";
import { packAny } from "../any.ts";

/** Restores the destination that capture redirected. */
export function buildOriginalDst(): ListenerFilter {
  return create(ListenerFilterSchema, {
    name: "envoy.filters.listener.original_dst",
    configType: { case: "typedConfig", value: packAny(OriginalDstSchema, {}) },
  });
}

/**
 * Reads SNI and ALPN of a ClientHello.
 *
 * @param ports where it looks; everywhere by default
 */
export function buildTlsInspector(
  ports: { except: readonly number[] } | { only: readonly number[] } = { except: [] },
): ListenerFilter {
  const filterDisabled = "except" in ports ? anyOfPorts(ports.except) : negated(anyOfPorts(ports.only));
  return create(ListenerFilterSchema, {
    name: "envoy.filters.listener.tls_inspector",
    configType: { case: "typedConfig", value: packAny(TlsInspectorSchema, {}) },
    ...(filterDisabled === undefined ? {} : { filterDisabled }),
  });
}

/** Undefined for no port. Envoy wants at least two parts in a set. */
function anyOfPorts(ports: readonly number[]): ListenerFilterChainMatchPredicate | undefined {
  const rules = ports.map((port) =>
    create(ListenerFilterChainMatchPredicateSchema, {
      rule: { case: "destinationPortRange", value: { start: port, end: port + 1 } },
    }),
  );
  if (rules.length < 2) return rules[0];
  return create(ListenerFilterChainMatchPredicateSchema, { rule: { case: "orMatch", value: { rules } } });
}

function negated(rule: ListenerFilterChainMatchPredicate | undefined): ListenerFilterChainMatchPredicate | undefined {
  if (rule === undefined) return undefined;
  return create(ListenerFilterChainMatchPredicateSchema, { rule: { case: "notMatch", value: rule } });
}
