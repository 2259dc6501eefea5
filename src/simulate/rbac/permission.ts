// envoy.config.rbac.v3.Permission
import type { Permission } from "../../../gen/envoy/config/rbac/v3/rbac_pb.ts";
import { simulateErrors } from "../errors.ts";
import { rangeHolds } from "../match/cidr-range.ts";
import { matchesHeader } from "../match/header-matcher.ts";
import { matchesPath } from "../match/path-matcher.ts";
import { matchesString } from "../match/string-matcher.ts";
import { matchesUriTemplate } from "../match/uri-template.ts";
import type { RbacCall } from "./rbac-call.ts";

/** @throws LateenError LAT2201 */
export function isPermitted({ rule }: Permission, call: RbacCall): boolean {
  switch (rule.case) {
    case "any":
      return rule.value;
    case "andRules":
      return rule.value.rules.every((part) => isPermitted(part, call));
    case "orRules":
      return rule.value.rules.some((part) => isPermitted(part, call));
    case "notRule":
      return !isPermitted(rule.value, call);
    case "header":
      return matchesHeader(rule.value, call.headers);
    case "urlPath":
      return call.path !== undefined && matchesPath(rule.value, call.path);
    case "uriTemplate":
      return call.path !== undefined && matchesUriTemplate(rule.value, call.path);
    case "destinationIp":
      return rangeHolds(rule.value, call.destinationIp);
    case "destinationPort":
      return rule.value === call.destinationPort;
    case "destinationPortRange":
      return call.destinationPort >= rule.value.start && call.destinationPort < rule.value.end;
    case "requestedServerName":
      return matchesString(rule.value, call.serverName);
    default:
      throw simulateErrors.cannotSimulate(`cannot simulate an RBAC permission of kind ${rule.case ?? "none"}`);
  }
}
