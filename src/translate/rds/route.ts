// VirtualService.spec.http[].name, VirtualService.spec.http[].match[].name → envoy.config.route.v3.Route
import { create } from "@bufbuild/protobuf";
import { type Route, RouteSchema } from "../../../gen/envoy/config/route/v3/route_components_pb.ts";
import type { HttpMatch } from "../../config/virtual-service/http-match.ts";
import type { HttpRuleView, VirtualHostView } from "../../model/virtual-host-view.ts";
import { buildCorsPolicy, corsFilter } from "./cors-policy.ts";
import { buildDirectResponse } from "./direct-response.ts";
import { buildFault, faultFilter } from "./fault.ts";
import { buildHeaderMutations } from "./header-mutation.ts";
import { buildRedirect } from "./redirect.ts";
import { buildDefaultAction, buildRouteAction, hasOneDestination } from "./route-action.ts";
import { buildRouteMatch } from "./route-match.ts";

/** Istio's name of a route that has none. */
const unnamed = "default";

/** One route for each match of the rule, all with the same action; a rule without destinations or answer makes none. */
export function buildRoutes(rule: HttpRuleView, host: VirtualHostView, listenerPort: number): Route[] {
  return (rule.matches ?? [undefined])
    .map((match) => buildRoute(rule, match, host, listenerPort))
    .filter((route) => route.action.case !== undefined);
}

function buildRoute(
  rule: HttpRuleView,
  match: HttpMatch | undefined,
  host: VirtualHostView,
  listenerPort: number,
): Route {
  const { route } = rule;
  const headers = buildHeaderMutations(route.headers);
  const out = create(RouteSchema, {
    name: routeName(route.name, match?.name),
    match: buildRouteMatch(match),
    ...headers,
    metadata: virtualServiceMetadata(host),
    decorator: { operation: `${host.name}/*` },
  });
  if (route.redirect !== undefined)
    out.action = { case: "redirect", value: buildRedirect(route.redirect, listenerPort) };
  else if (route.directResponse !== undefined) {
    out.action = { case: "directResponse", value: buildDirectResponse(route.directResponse) };
  } else if (rule.destinations.length > 0) {
    out.action = { case: "route", value: buildRouteAction(rule, match) };
    if (hasOneDestination(rule)) addHeaders(out, buildHeaderMutations(rule.destinations[0]?.headers));
  }
  if (route.fault !== undefined) out.typedPerFilterConfig[faultFilter] = buildFault(route.fault);
  if (route.corsPolicy !== undefined) out.typedPerFilterConfig[corsFilter] = buildCorsPolicy(route.corsPolicy);
  return out;
}

/** The route of a host that no VirtualService speaks of. */
export function buildDefaultRoute(host: VirtualHostView): Route | undefined {
  if (host.fallback === undefined) return undefined;
  return create(RouteSchema, {
    name: unnamed,
    match: buildRouteMatch(undefined),
    action: { case: "route", value: buildDefaultAction(host.fallback.cluster, host.fallback.hash) },
    decorator: { operation: `${host.name}/*` },
  });
}

/** VirtualService.spec.http[].name, VirtualService.spec.http[].match[].name: `rule.match`. */
function routeName(rule: string | undefined, match: string | undefined): string {
  const name = [rule, match].filter((part) => part !== undefined && part !== "").join(".");
  return name === "" ? unnamed : name;
}

function virtualServiceMetadata(host: VirtualHostView) {
  if (host.virtualService === undefined) return { filterMetadata: {} };
  const { namespace, name } = host.virtualService;
  const config = `/apis/networking.istio.io/v1/namespaces/${namespace}/virtual-service/${name}`;
  return { filterMetadata: { istio: { config } } };
}

function addHeaders(route: Route, more: ReturnType<typeof buildHeaderMutations>): void {
  route.requestHeadersToAdd.push(...more.requestHeadersToAdd);
  route.requestHeadersToRemove.push(...more.requestHeadersToRemove);
  route.responseHeadersToAdd.push(...more.responseHeadersToAdd);
  route.responseHeadersToRemove.push(...more.responseHeadersToRemove);
}
