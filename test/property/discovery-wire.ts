// The client's half of both variants of ADS, as bytes: one form of request and response for the proxies of histories.
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { ClusterSchema } from "../../gen/envoy/config/cluster/v3/cluster_pb.ts";
import type { Node } from "../../gen/envoy/config/core/v3/base_pb.ts";
import { ClusterLoadAssignmentSchema } from "../../gen/envoy/config/endpoint/v3/endpoint_pb.ts";
import { ListenerSchema } from "../../gen/envoy/config/listener/v3/listener_pb.ts";
import { RouteConfigurationSchema } from "../../gen/envoy/config/route/v3/route_pb.ts";
import {
  DeltaDiscoveryRequestSchema,
  DeltaDiscoveryResponseSchema,
  DiscoveryRequestSchema,
  DiscoveryResponseSchema,
} from "../../gen/envoy/service/discovery/v3/discovery_pb.ts";
import { encodeFrame } from "../../src/xds/grpc-frame.ts";
import { typeUrls } from "../../src/xds/type-url.ts";

export type Variant = "delta" | "sotw";

export interface Response {
  readonly typeUrl: string;
  readonly nonce: string;
  /** Of the whole response, in SotW. */
  readonly versionInfo: string;
  readonly resources: readonly { readonly name: string; readonly version: string; readonly body: Uint8Array }[];
  readonly removed: readonly string[];
}

export function decodeResponse(bytes: Uint8Array, variant: Variant): Response {
  if (variant === "delta") {
    const { typeUrl, nonce, resources, removedResources } = fromBinary(DeltaDiscoveryResponseSchema, bytes);
    return {
      typeUrl,
      nonce,
      versionInfo: "",
      resources: resources.map(({ name, version, resource }) => ({ name, version, body: resource?.value ?? empty })),
      removed: removedResources,
    };
  }
  const { typeUrl, nonce, versionInfo, resources } = fromBinary(DiscoveryResponseSchema, bytes);
  return {
    typeUrl,
    nonce,
    versionInfo,
    resources: resources.map(({ value }) => ({ name: nameIn(typeUrl, value), version: "", body: value })),
    removed: [],
  };
}

const empty = new Uint8Array();

/** SotW says names only inside of resources. */
function nameIn(typeUrl: string, body: Uint8Array): string {
  if (typeUrl === typeUrls.cluster) return fromBinary(ClusterSchema, body).name;
  if (typeUrl === typeUrls.endpoint) return fromBinary(ClusterLoadAssignmentSchema, body).clusterName;
  if (typeUrl === typeUrls.listener) return fromBinary(ListenerSchema, body).name;
  if (typeUrl === typeUrls.route) return fromBinary(RouteConfigurationSchema, body).name;
  return typeUrl === typeUrls.machine ? "machine" : "mesh";
}

export interface Request {
  readonly typeUrl: string;
  readonly node?: Node;
  /** Delta: names that are new, names that are given up, and what is held from an earlier stream. */
  readonly subscribe?: readonly string[];
  readonly unsubscribe?: readonly string[];
  readonly held?: ReadonlyMap<string, string>;
  /** SotW: all names, and the version that was accepted last. */
  readonly names?: readonly string[];
  readonly versionInfo?: string;
  readonly nonce?: string;
  readonly rejection?: string | undefined;
}

/** A request as a gRPC frame. */
export function encodeRequest(request: Request, variant: Variant): Uint8Array {
  const { typeUrl, node, nonce: responseNonce = "", rejection } = request;
  const common = {
    typeUrl,
    responseNonce,
    ...(node === undefined ? {} : { node }),
    ...(rejection === undefined ? {} : { errorDetail: { code: 13, message: rejection } }),
  };
  if (variant === "delta") {
    const message = create(DeltaDiscoveryRequestSchema, {
      ...common,
      resourceNamesSubscribe: [...(request.subscribe ?? [])],
      resourceNamesUnsubscribe: [...(request.unsubscribe ?? [])],
      initialResourceVersions: Object.fromEntries(request.held ?? []),
    });
    return encodeFrame(toBinary(DeltaDiscoveryRequestSchema, message));
  }
  const message = create(DiscoveryRequestSchema, {
    ...common,
    resourceNames: [...(request.names ?? [])],
    versionInfo: request.versionInfo ?? "",
  });
  return encodeFrame(toBinary(DiscoveryRequestSchema, message));
}
