// How a caller tells the callee which workload it is: Istio's metadata exchange for an Envoy without Istio's filters.
//
// The header is asserted by the peer, so only labels for display come from it; namespace and principal come from the
// certificate. It is removed before the application sees the request, and on plaintext it is not believed at all.
import type { MessageInitShape } from "@bufbuild/protobuf";
import { HeaderValueOption_HeaderAppendAction as AppendAction } from "../../../gen/envoy/config/core/v3/base_pb.ts";
import { HeaderMutationSchema } from "../../../gen/envoy/extensions/filters/http/header_mutation/v3/header_mutation_pb.ts";
import {
  type Config_RuleSchema,
  ConfigSchema as HeaderToMetadataSchema,
} from "../../../gen/envoy/extensions/filters/http/header_to_metadata/v3/header_to_metadata_pb.ts";
import type { HttpFilter } from "../../../gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts";
import { buildHttpFilter } from "../lds/http-filter.ts";
import { type Tag, unknownLabel } from "./tag.ts";

const header = "x-lateen-peer";
const metadataNamespace = "lateen.peer";

/** Parts of the header in order; the agent sets them for Envoy in LATEEN_PEER, separated by semicolons. */
export const peerParts = ["workload", "canonical_service", "canonical_revision", "app", "version", "cluster"] as const;

/** Environment variable of Envoy that holds the header's value. */
export const peerVariable = "LATEEN_PEER";

/** Outbound: says who is calling, whatever the application put there. */
export function buildPeerHeaderFilter(): HttpFilter {
  return buildHttpFilter("lateen.peer", HeaderMutationSchema, {
    mutations: {
      requestMutations: [
        {
          action: {
            case: "append",
            value: {
              header: { key: header, value: `%ENVIRONMENT(${peerVariable})%` },
              appendAction: AppendAction.OVERWRITE_IF_EXISTS_OR_ADD,
            },
          },
        },
      ],
    },
  });
}

/** Inbound, mutual TLS: takes the header apart and away. */
export function buildPeerMetadataFilter(): HttpFilter {
  const last = peerParts.length - 1;
  const rules = peerParts.map(
    (key, index): MessageInitShape<typeof Config_RuleSchema> => ({
      header,
      remove: index === last,
      onHeaderPresent: {
        metadataNamespace,
        key,
        regexValueRewrite: { pattern: { regex: `^(?:[^;]*;){${index}}([^;]*).*$` }, substitution: "\\1" },
      },
      onHeaderMissing: { metadataNamespace, key, value: unknownLabel },
    }),
  );
  return buildHttpFilter("lateen.peer", HeaderToMetadataSchema, { requestRules: rules });
}

/**
 * Takes the header away: inbound on plaintext, so that nobody can claim to be somebody, and before clusters outside the
 * mesh, whose business the caller is not.
 */
export function buildPeerHeaderRemoval(): HttpFilter {
  return buildHttpFilter("lateen.peer", HeaderMutationSchema, {
    mutations: { requestMutations: [{ action: { case: "remove", value: header } }] },
  });
}

/** Labels of the caller as its header tells them. */
export function peerTags(): Tag[] {
  const value = (key: (typeof peerParts)[number]): string => `%DYNAMIC_METADATA(${metadataNamespace}:${key})%`;
  return [
    ["source_workload", value("workload")],
    ["source_canonical_service", value("canonical_service")],
    ["source_canonical_revision", value("canonical_revision")],
    ["source_app", value("app")],
    ["source_version", value("version")],
    ["source_cluster", value("cluster")],
  ];
}
