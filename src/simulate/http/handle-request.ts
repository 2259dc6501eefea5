// What a connection manager does with one request: its filters in order, then the route.
import type { Route } from "../../../gen/envoy/config/route/v3/route_components_pb.ts";
import type { RouteConfiguration } from "../../../gen/envoy/config/route/v3/route_pb.ts";
import { RBACSchema as HttpRbacSchema } from "../../../gen/envoy/extensions/filters/http/rbac/v3/rbac_pb.ts";
import type { HttpConnectionManager } from "../../../gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts";
import type { EnvoyResources } from "../envoy-resources.ts";
import { simulateErrors } from "../errors.ts";
import { onlyFields } from "../known-fields.ts";
import type { RbacCall } from "../rbac/rbac-call.ts";
import { type RbacVerdict, rbacVerdict } from "../rbac/rbac-verdict.ts";
import { type CorsOutcome, corsOutcome } from "../route/cors.ts";
import { readFault, type SimulatedFault } from "../route/fault.ts";
import { type HttpForwarding, readForwarding } from "../route/forwarding.ts";
import { headerChanges } from "../route/header-changes.ts";
import { redirectionOf } from "../route/redirect.ts";
import { selectRoute } from "../route/select-route.ts";
import { selectVirtualHost } from "../route/select-virtual-host.ts";
import type { Step } from "../step.ts";
import { readHttpFilters } from "./http-filters.ts";
import { type HttpRequest, headersOf } from "./http-request.ts";
import { normalizePath } from "./normalize-path.ts";

/** Names of what was found on the way; undefined where it did not get so far. */
export interface FoundRoute {
  readonly routeConfiguration: string | undefined;
  readonly virtualHost: string | undefined;
  readonly route: string | undefined;
}

export type HandledRequest =
  | { readonly kind: "denied"; readonly filter: string; readonly verdict: RbacVerdict }
  | { readonly kind: "no-route" }
  | ({ readonly kind: "answered" } & Answer)
  | {
      readonly kind: "forwarded";
      readonly forwarding: HttpForwarding;
      readonly fault: SimulatedFault | undefined;
      readonly cors: CorsOutcome;
    };

/** An answer of the proxy itself. */
export interface Answer {
  readonly by: "redirect" | "direct response" | "fault" | "CORS" | "path check";
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Undefined where it is empty or not text. */
  readonly body: string | undefined;
}

const faultFilter = "envoy.filters.http.fault";
const corsFilter = "envoy.filters.http.cors";
const knownRbacFields = new Set(["rules"]);

/**
 * @param call everything of the RBAC call but the request
 * @throws LateenError LAT2201
 */
export function handleRequest(
  resources: EnvoyResources,
  manager: HttpConnectionManager,
  request: HttpRequest,
  call: Omit<RbacCall, "headers" | "path">,
  steps: Step[],
): HandledRequest & FoundRoute {
  if (request.path.includes("#")) {
    const nothing = { routeConfiguration: undefined, virtualHost: undefined, route: undefined };
    // Envoy refuses what no client should send (runtime http_reject_path_with_fragment).
    return { kind: "answered", by: "path check", status: 400, headers: {}, body: undefined, ...nothing };
  }
  const path = normalizePath(manager, request.path);
  const headers = new Map(headersOf(request)).set(":path", path);
  const configuration = routeConfigurationOf(resources, manager);
  const host = configuration === undefined ? undefined : selectVirtualHost(configuration, request.authority);
  const selected = host === undefined ? undefined : selectRoute(host.virtualHost, headers, path);
  const found: FoundRoute = {
    routeConfiguration: configuration?.name,
    virtualHost: host?.virtualHost.name,
    route: selected?.route.name,
  };
  const place = `route ${selected?.route.name ?? ""}`;
  let fault: SimulatedFault | undefined;
  let cors: CorsOutcome = { kind: "none" };
  for (const filter of readHttpFilters(manager)) {
    if (filter.kind === "rbac") {
      onlyFields(HttpRbacSchema, filter.config, knownRbacFields);
      if (filter.config.rules === undefined) continue;
      const verdict = rbacVerdict(filter.config.rules, { ...call, headers, path });
      steps.push({ at: "filter", name: filter.name, because: describeVerdict(verdict) });
      if (!verdict.allowed) return { kind: "denied", filter: filter.name, verdict, ...found };
    } else if (filter.kind === "fault") {
      const config = selected?.route.typedPerFilterConfig[faultFilter];
      if (config === undefined) continue;
      fault = readFault(config, place);
      const answer = abortAnswer(fault, headers.get("content-type"));
      if (answer !== undefined) return { kind: "answered", ...answer, ...found };
    } else {
      const config = selected?.route.typedPerFilterConfig[corsFilter];
      if (config === undefined) continue;
      cors = corsOutcome(config, headers, place);
      if (cors.kind === "answered") {
        return { kind: "answered", by: "CORS", status: 200, headers: cors.responseHeaders, body: undefined, ...found };
      }
    }
  }
  if (configuration !== undefined) {
    steps.push({ at: "route configuration", name: configuration.name, because: "the connection manager names it" });
  }
  if (host !== undefined) steps.push({ at: "virtual host", name: host.virtualHost.name, because: host.because });
  if (selected === undefined) return { kind: "no-route", ...found };
  steps.push({ at: "route", name: selected.route.name, because: selected.because });
  checkPerFilterConfig(selected.route);
  return { ...act(resources, selected.route, request, path, { fault, cors }), ...found };
}

export function describeVerdict(verdict: RbacVerdict): string {
  if (verdict.policy !== undefined) return `${verdict.action} policy ${verdict.policy} matches`;
  return verdict.action === "ALLOW" ? "no ALLOW policy matches" : "no DENY policy matches";
}

function routeConfigurationOf(
  resources: EnvoyResources,
  manager: HttpConnectionManager,
): RouteConfiguration | undefined {
  const { routeSpecifier: specifier } = manager;
  if (specifier.case === "routeConfig") return specifier.value;
  if (specifier.case === "rds") return resources.route(specifier.value.routeConfigName);
  throw simulateErrors.cannotSimulate(`cannot simulate routes by ${specifier.case ?? "nothing"}`);
}

/** Only an abort of every request is an answer; a share of them is told with the forwarding. */
function abortAnswer(fault: SimulatedFault, contentType: string | undefined): Answer | undefined {
  if (fault.abort === undefined || fault.abort.percent < 100) return undefined;
  const answer = { by: "fault", headers: {}, body: "fault filter abort" } as const;
  if ("httpStatus" in fault.abort) return { ...answer, status: fault.abort.httpStatus };
  const grpc = contentType?.startsWith("application/grpc") === true;
  return { ...answer, status: grpc ? 200 : 503, headers: { "grpc-status": String(fault.abort.grpcStatus) } };
}

function checkPerFilterConfig(route: Route): void {
  for (const name of Object.keys(route.typedPerFilterConfig)) {
    if (name !== faultFilter && name !== corsFilter) {
      throw simulateErrors.cannotSimulate(`cannot simulate the configuration of filter ${name} on a route`);
    }
  }
}

function act(
  resources: EnvoyResources,
  route: Route,
  request: HttpRequest,
  path: string,
  extras: { fault: SimulatedFault | undefined; cors: CorsOutcome },
): HandledRequest {
  const { action, match } = route;
  const { authority, scheme = "http" } = request;
  if (match === undefined) throw simulateErrors.brokenResource(`route ${route.name} has no match`);
  const { set: headers } = headerChanges(route.responseHeadersToAdd, route.responseHeadersToRemove);
  switch (action.case) {
    case "route":
      return {
        kind: "forwarded",
        forwarding: readForwarding(resources, route, action.value, match, { path, authority }),
        ...extras,
      };
    case "redirect": {
      const { status, location } = redirectionOf(action.value, match, { scheme, authority, path });
      return { kind: "answered", by: "redirect", status, headers: { ...headers, location }, body: undefined };
    }
    case "directResponse": {
      const body = action.value.body?.specifier;
      const text = body?.case === "inlineString" ? body.value : undefined;
      return { kind: "answered", by: "direct response", status: action.value.status, headers, body: text };
    }
    default:
      throw simulateErrors.cannotSimulate(`cannot simulate a route that does ${action.case ?? "nothing"}`);
  }
}
