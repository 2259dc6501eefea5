// The caller's namespace, cut out of its certificate's SPIFFE id once per connection.
import type { Filter } from "../../../gen/envoy/config/listener/v3/listener_components_pb.ts";
import { ConfigSchema } from "../../../gen/envoy/extensions/filters/network/set_filter_state/v3/set_filter_state_pb.ts";
import { CelSchema } from "../../../gen/envoy/extensions/formatter/cel/v3/cel_pb.ts";
import { packAny } from "../any.ts";
import { buildNetworkFilter } from "../lds/network-filter.ts";
import type { Tag } from "./tag.ts";

const objectKey = "lateen.source_namespace";

/** Runs at the handshake; later filters and loggers read the filter state. */
export function buildPeerNamespaceFilter(): Filter {
  return buildNetworkFilter("lateen.peer_namespace", ConfigSchema, {
    onDownstreamTlsHandshake: [
      {
        key: { case: "objectKey", value: objectKey },
        factoryKey: "envoy.string",
        value: {
          case: "formatString",
          value: {
            // spiffe://<trust domain>/ns/<namespace>/sa/<account>
            format: {
              case: "textFormatSource",
              value: {
                specifier: { case: "inlineString", value: "%CEL(connection.uri_san_peer_certificate.split('/')[4])%" },
              },
            },
            formatters: [
              {
                name: "envoy.formatter.cel",
                typedConfig: packAny(CelSchema, { celConfig: { enableStringFunctions: true } }),
              },
            ],
          },
        },
      },
    ],
  });
}

export const peerNamespaceTag: Tag = ["source_workload_namespace", `%FILTER_STATE(${objectKey}:PLAIN)%`];
