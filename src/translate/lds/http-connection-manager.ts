// ServiceEntry.spec.ports[].protocol, MeshConfig.pathNormalization.normalization → envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
import { create } from "@bufbuild/protobuf";
import type { AccessLog } from "../../../gen/envoy/config/accesslog/v3/accesslog_pb.ts";
import { ApiVersion } from "../../../gen/envoy/config/core/v3/config_source_pb.ts";
import type { Filter } from "../../../gen/envoy/config/listener/v3/listener_components_pb.ts";
import type { RouteConfiguration } from "../../../gen/envoy/config/route/v3/route_pb.ts";
import { CorsSchema } from "../../../gen/envoy/extensions/filters/http/cors/v3/cors_pb.ts";
import { HTTPFaultSchema } from "../../../gen/envoy/extensions/filters/http/fault/v3/fault_pb.ts";
import { FilterConfigSchema as GrpcStatsSchema } from "../../../gen/envoy/extensions/filters/http/grpc_stats/v3/config_pb.ts";
import { RouterSchema } from "../../../gen/envoy/extensions/filters/http/router/v3/router_pb.ts";
import {
  HttpConnectionManager_CodecType as CodecType,
  HttpConnectionManager_PathWithEscapedSlashesAction as EscapedSlashes,
  HttpConnectionManager_ForwardClientCertDetails as ForwardClientCertDetails,
  type HttpConnectionManager,
  HttpConnectionManagerSchema,
  type HttpFilter,
} from "../../../gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts";
import type { MeshSettings } from "../../model/mesh-settings.ts";
import { durationFromMs } from "../duration.ts";
import { corsFilter } from "../rds/cors-policy.ts";
import { faultFilter } from "../rds/fault.ts";
import { buildHttpFilter } from "./http-filter.ts";
import { buildNetworkFilter } from "./network-filter.ts";

export interface ConnectionManagerOptions {
  statPrefix: string;
  /** Name of a route configuration that comes by RDS, or the configuration itself. */
  routes: { rds: string } | { inline: RouteConfiguration };
  /** Filters of the side, before those that both sides have. */
  filters: readonly HttpFilter[];
  accessLog: AccessLog[];
  inbound: boolean;
}

/** Istio's order: peer metadata, authorization, gRPC statistics, faults, CORS, router. */
export function buildHttpConnectionManager(options: ConnectionManagerOptions, mesh: MeshSettings): Filter {
  return buildNetworkFilter(
    "envoy.filters.network.http_connection_manager",
    HttpConnectionManagerSchema,
    connectionManager(options, mesh),
  );
}

function connectionManager(options: ConnectionManagerOptions, mesh: MeshSettings): HttpConnectionManager {
  const manager = create(HttpConnectionManagerSchema, {
    codecType: CodecType.AUTO,
    statPrefix: options.statPrefix,
    routeSpecifier: routeSpecifier(options.routes),
    httpFilters: [...options.filters, ...sharedFilters()],
    accessLog: options.accessLog,
    streamIdleTimeout: durationFromMs(0),
    useRemoteAddress: false,
    proxy100Continue: true,
    upgradeConfigs: [{ upgradeType: "websocket" }],
    normalizePath: mesh.pathNormalization !== "NONE",
    mergeSlashes: mesh.pathNormalization === "MERGE_SLASHES" || mesh.pathNormalization === "DECODE_AND_MERGE_SLASHES",
    pathWithEscapedSlashesAction:
      mesh.pathNormalization === "DECODE_AND_MERGE_SLASHES"
        ? EscapedSlashes.UNESCAPE_AND_FORWARD
        : EscapedSlashes.KEEP_UNCHANGED,
  });
  if (options.inbound) {
    manager.serverName = "istio-envoy";
    manager.forwardClientCertDetails = ForwardClientCertDetails.APPEND_FORWARD;
    manager.setCurrentClientCertDetails = create(HttpConnectionManagerSchema, {
      setCurrentClientCertDetails: { subject: true, dns: true, uri: true },
    }).setCurrentClientCertDetails;
  }
  return manager;
}

function routeSpecifier(routes: ConnectionManagerOptions["routes"]) {
  if ("inline" in routes) return { case: "routeConfig", value: routes.inline } as const;
  return {
    case: "rds",
    value: {
      routeConfigName: routes.rds,
      // Envoy's own initial_fetch_timeout, unlike Istio's 0: ADR 0014.
      configSource: {
        resourceApiVersion: ApiVersion.V3,
        configSourceSpecifier: { case: "ads", value: {} },
      },
    },
  } as const;
}

function sharedFilters(): HttpFilter[] {
  return [
    buildHttpFilter("envoy.filters.http.grpc_stats", GrpcStatsSchema, {
      emitFilterState: true,
      perMethodStatSpecifier: { case: "statsForAllMethods", value: { value: false } },
    }),
    buildHttpFilter(faultFilter, HTTPFaultSchema, {}),
    buildHttpFilter(corsFilter, CorsSchema, {}),
    buildHttpFilter("envoy.filters.http.router", RouterSchema, {}),
  ];
}
