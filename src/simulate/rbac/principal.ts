// envoy.config.rbac.v3.Principal
import type { Principal } from "../../../gen/envoy/config/rbac/v3/rbac_pb.ts";
import { simulateErrors } from "../errors.ts";
import { rangeHolds } from "../match/cidr-range.ts";
import { matchesHeader } from "../match/header-matcher.ts";
import { matchesPath } from "../match/path-matcher.ts";
import { matchesString } from "../match/string-matcher.ts";
import type { RbacCall } from "./rbac-call.ts";

/** @throws LateenError LAT2201 */
export function isPrincipal({ identifier }: Principal, call: RbacCall): boolean {
  switch (identifier.case) {
    case "any":
      return identifier.value;
    case "andIds":
      return identifier.value.ids.every((part) => isPrincipal(part, call));
    case "orIds":
      return identifier.value.ids.some((part) => isPrincipal(part, call));
    case "notId":
      return !isPrincipal(identifier.value, call);
    case "authenticated": {
      if (call.peer.kind === "plaintext") return false;
      const name = identifier.value.principalName;
      return name === undefined || matchesString(name, call.peer.uriSan ?? "");
    }
    // A sidecar trusts no X-Forwarded-For, so that the remote address is that of the connection.
    case "directRemoteIp":
      return rangeHolds(identifier.value, call.sourceIp);
    case "header":
      return matchesHeader(identifier.value, call.headers);
    case "urlPath":
      return call.path !== undefined && matchesPath(identifier.value, call.path);
    default:
      throw simulateErrors.cannotSimulate(`cannot simulate an RBAC principal of kind ${identifier.case ?? "none"}`);
  }
}
