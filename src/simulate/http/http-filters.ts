// What the HTTP filters of a connection manager do with a request, as far as they decide something.
import {
  type RBAC as HttpRbac,
  RBACSchema as HttpRbacSchema,
} from "../../../gen/envoy/extensions/filters/http/rbac/v3/rbac_pb.ts";
import type { HttpConnectionManager } from "../../../gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts";
import { simulateErrors } from "../errors.ts";
import { unpackAs } from "../known-fields.ts";

/** Filters that decide, in the manager's order. */
export type DecidingFilter =
  | { readonly kind: "rbac"; readonly name: string; readonly config: HttpRbac }
  /** Fault and CORS take their settings from the route. */
  | { readonly kind: "fault"; readonly name: string }
  | { readonly kind: "cors"; readonly name: string };

const typePrefix = "type.googleapis.com/envoy.extensions.filters.http.";
const rbacType = `${typePrefix}rbac.v3.RBAC`;
const faultType = `${typePrefix}fault.v3.HTTPFault`;
const corsType = `${typePrefix}cors.v3.Cors`;
const routerType = `${typePrefix}router.v3.Router`;
/** Filters that change or note what neither routes nor policies look at. */
const passiveTypes: ReadonlySet<string> = new Set([
  `${typePrefix}grpc_stats.v3.FilterConfig`,
  `${typePrefix}grpc_web.v3.GrpcWeb`,
  `${typePrefix}header_mutation.v3.HeaderMutation`,
  `${typePrefix}header_to_metadata.v3.Config`,
]);

/** @throws LateenError LAT2201 for other filters, and where the last one is not the router */
export function readHttpFilters(manager: HttpConnectionManager): DecidingFilter[] {
  const deciding: DecidingFilter[] = [];
  for (const { name, configType, disabled } of manager.httpFilters) {
    if (disabled) continue;
    const config = configType.case === "typedConfig" ? configType.value : undefined;
    const type = config?.typeUrl ?? `${configType.case}`;
    if (type === routerType) return deciding;
    if (passiveTypes.has(type)) continue;
    if (type === rbacType) deciding.push({ kind: "rbac", name, config: unpackAs(HttpRbacSchema, config, name) });
    else if (type === faultType) deciding.push({ kind: "fault", name });
    else if (type === corsType) deciding.push({ kind: "cors", name });
    else throw simulateErrors.cannotSimulate(`cannot simulate HTTP filter ${name} (${type})`);
  }
  throw simulateErrors.cannotSimulate("cannot simulate a connection manager without router");
}
