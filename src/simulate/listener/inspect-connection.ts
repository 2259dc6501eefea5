// What listener filters find out before a filter chain is chosen (Listener.listener_filters).
import {
  type ListenerFilter,
  type ListenerFilterChainMatchPredicate,
  ListenerFilterSchema,
} from "../../../gen/envoy/config/listener/v3/listener_components_pb.ts";
import type { Listener } from "../../../gen/envoy/config/listener/v3/listener_pb.ts";
import { simulateErrors } from "../errors.ts";
import { onlyFields } from "../known-fields.ts";
import type { Connection } from "./connection.ts";

export type Inspected =
  | {
      readonly kind: "known";
      readonly transportProtocol: "tls" | "raw_buffer";
      readonly serverName: string;
      readonly applicationProtocols: readonly string[];
    }
  /** A filter waits for the client's first bytes, and the client for the server's. */
  | { readonly kind: "stalled"; readonly filter: string };

const filterPrefix = "type.googleapis.com/envoy.extensions.filters.listener.";
const originalDst = `${filterPrefix}original_dst.v3.OriginalDst`;
const tlsInspector = `${filterPrefix}tls_inspector.v3.TlsInspector`;

const knownFields = new Set(["name", "typed_config", "filter_disabled"]);

/** @throws LateenError LAT2201 for other listener filters than those two */
export function inspectConnection(listener: Listener, connection: Connection): Inspected {
  let inspects: ListenerFilter | undefined;
  for (const filter of listener.listenerFilters) {
    onlyFields(ListenerFilterSchema, filter, knownFields);
    const type = filter.configType.case === "typedConfig" ? filter.configType.value.typeUrl : filter.configType.case;
    if (type === tlsInspector) {
      if (!isDisabled(filter.filterDisabled, connection.destinationPort)) inspects = filter;
    } else if (type !== originalDst) throw simulateErrors.cannotSimulate(`cannot simulate listener filter ${type}`);
  }
  if (inspects !== undefined && connection.tls !== undefined) {
    const { sni, alpn } = connection.tls;
    return { kind: "known", transportProtocol: "tls", serverName: sni.toLowerCase(), applicationProtocols: alpn };
  }
  if (inspects !== undefined && connection.serverSpeaksFirst === true && waitsForEver(listener)) {
    return { kind: "stalled", filter: inspects.name };
  }
  return { kind: "known", transportProtocol: "raw_buffer", serverName: "", applicationProtocols: [] };
}

/** A timeout of 0 switches it off; absent, it is 15 s, after which the connection goes on or ends. */
function waitsForEver(listener: Listener): boolean {
  const timeout = listener.listenerFiltersTimeout;
  return timeout !== undefined && timeout.seconds === 0n && timeout.nanos === 0;
}

function isDisabled(predicate: ListenerFilterChainMatchPredicate | undefined, port: number): boolean {
  const rule = predicate?.rule;
  switch (rule?.case) {
    case undefined:
      return false;
    case "anyMatch":
      return rule.value;
    case "notMatch":
      return !isDisabled(rule.value, port);
    case "orMatch":
      return rule.value.rules.some((part) => isDisabled(part, port));
    case "andMatch":
      return rule.value.rules.every((part) => isDisabled(part, port));
    case "destinationPortRange":
      return port >= rule.value.start && port < rule.value.end;
  }
}
