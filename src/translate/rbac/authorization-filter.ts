// AuthorizationPolicy.spec.action, AuthorizationPolicy.spec.selector → envoy.extensions.filters.http.rbac.v3.RBAC, envoy.extensions.filters.network.rbac.v3.RBAC
import type { Filter } from "../../../gen/envoy/config/listener/v3/listener_components_pb.ts";
import { RBACSchema as HttpRbacSchema } from "../../../gen/envoy/extensions/filters/http/rbac/v3/rbac_pb.ts";
import type { HttpFilter } from "../../../gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts";
import { RBACSchema as NetworkRbacSchema } from "../../../gen/envoy/extensions/filters/network/rbac/v3/rbac_pb.ts";
import type { AuthorizationView } from "../../model/authorization.ts";
import type { MeshSettings } from "../../model/mesh-settings.ts";
import { buildHttpFilter } from "../lds/http-filter.ts";
import { buildNetworkFilter } from "../lds/network-filter.ts";
import { buildRules } from "./policy.ts";

/** DENY before ALLOW, as Istio evaluates them. */
export function buildHttpAuthorization(view: AuthorizationView, mesh: MeshSettings): HttpFilter[] {
  const filters: HttpFilter[] = [];
  for (const [configs, action] of [
    [view.deny, "DENY"],
    [view.allow, "ALLOW"],
  ] as const) {
    const rules = buildRules(configs, action, true, mesh);
    if (rules !== undefined) filters.push(buildHttpFilter("envoy.filters.http.rbac", HttpRbacSchema, { rules }));
  }
  return filters;
}

export function buildTcpAuthorization(view: AuthorizationView, mesh: MeshSettings): Filter[] {
  const filters: Filter[] = [];
  for (const [configs, action] of [
    [view.deny, "DENY"],
    [view.allow, "ALLOW"],
  ] as const) {
    const rules = buildRules(configs, action, false, mesh);
    if (rules !== undefined)
      filters.push(buildNetworkFilter("envoy.filters.network.rbac", NetworkRbacSchema, { rules, statPrefix: "tcp." }));
  }
  return filters;
}
