// Which certificates a peer may show.
import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  SubjectAltNameMatcher_SanType as SanType,
  type SubjectAltNameMatcherSchema,
} from "../../../gen/envoy/extensions/transport_sockets/tls/v3/common_pb.ts";
import { formatIp, parseIp } from "../../kernel/ip-address.ts";

type SanMatcherInit = MessageInitShape<typeof SubjectAltNameMatcherSchema>;

/** What a URI begins with (RFC 3986 section 3.1). */
const scheme = /^[a-z][a-z0-9+.-]*:/i;

/** One exact name. Authors do not say of which type it is, and Envoy looks only at names of the type that it is told. */
export function exactSan(san: string): SanMatcherInit {
  const address = parseIp(san);
  if (address !== undefined) return exact(SanType.IP_ADDRESS, formatIp(address));
  if (scheme.test(san)) return exact(SanType.URI, san);
  return exact(san.includes("@") ? SanType.EMAIL : SanType.DNS, san);
}

function exact(sanType: SanType, value: string): SanMatcherInit {
  return { sanType, matcher: { matchPattern: { case: "exact", value } } };
}

/** Every identity of a trust domain. */
export function trustDomainSan(trustDomain: string): SanMatcherInit {
  return { sanType: SanType.URI, matcher: { matchPattern: { case: "prefix", value: `spiffe://${trustDomain}/` } } };
}
