// Which certificates a peer may show.
import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  SubjectAltNameMatcher_SanType as SanType,
  type SubjectAltNameMatcherSchema,
} from "../../../gen/envoy/extensions/transport_sockets/tls/v3/common_pb.ts";

type SanMatcherInit = MessageInitShape<typeof SubjectAltNameMatcherSchema>;

/** One exact name: a URI where it has a scheme, else a DNS name. */
export function exactSan(san: string): SanMatcherInit {
  return {
    sanType: san.includes("://") ? SanType.URI : SanType.DNS,
    matcher: { matchPattern: { case: "exact", value: san } },
  };
}

/** Every identity of a trust domain. */
export function trustDomainSan(trustDomain: string): SanMatcherInit {
  return { sanType: SanType.URI, matcher: { matchPattern: { case: "prefix", value: `spiffe://${trustDomain}/` } } };
}
