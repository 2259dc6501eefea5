// VirtualService.spec.hosts, MeshConfig.outboundTrafficPolicy.mode → envoy.config.route.v3.RouteConfiguration
import { create, toBinary } from "@bufbuild/protobuf";
import { type VirtualHost, VirtualHostSchema } from "../../../gen/envoy/config/route/v3/route_components_pb.ts";
import { type RouteConfiguration, RouteConfigurationSchema } from "../../../gen/envoy/config/route/v3/route_pb.ts";
import { concatBytes } from "../../kernel/bytes.ts";
import { contentHash } from "../../kernel/hash.ts";
import type { ConfigRef } from "../../xds/config-ref.ts";
import type { ResourceFragment } from "../../xds/resource.ts";
import { lengthDelimited } from "../wire.ts";

/** A virtual host encoded once, with the hash of its bytes. */
export interface VirtualHostFragment extends ResourceFragment {
  /** Virtual hosts stand in the order of this text in their route configuration. */
  readonly position: string;
}

export function encodeVirtualHost(
  virtualHost: VirtualHost,
  position: string,
  sources: readonly ConfigRef[],
): VirtualHostFragment {
  const body = toBinary(VirtualHostSchema, virtualHost);
  return { name: virtualHost.name, version: contentHash(body), body, sources, position };
}

/** Field `virtual_hosts` of RouteConfiguration. */
const virtualHostsField = 2;

/** Heads by name: of every change of a virtual host each scope needs one. */
const heads = new Map<string, Uint8Array>();
/** Names are of ports, of which a mesh has few. */
const headLimit = 1_024;

/** Everything of the route configuration but its virtual hosts, encoded. */
export function encodeRouteConfigurationHead(name: string): Uint8Array {
  const known = heads.get(name);
  if (known !== undefined) return known;
  const head = toBinary(RouteConfigurationSchema, buildRouteConfigurationHead(name));
  if (heads.size < headLimit) heads.set(name, head);
  return head;
}

function buildRouteConfigurationHead(name: string): RouteConfiguration {
  return create(RouteConfigurationSchema, {
    name,
    validateClusters: false,
    ignorePortInHostMatching: true,
    // The largest body a VirtualService may answer with itself.
    maxDirectResponseBodySizeBytes: 1 << 20,
  });
}

/** Puts a route configuration together from encoded virtual hosts, without decoding them; their domains must not overlap. */
export function composeRouteConfiguration(head: Uint8Array, fragments: readonly ResourceFragment[]): Uint8Array {
  return concatBytes([head, ...fragments.flatMap(({ body }) => lengthDelimited(virtualHostsField, body))]);
}

/** A route configuration with one virtual host and nothing else: protobuf messages are merged by putting them together. */
export function encodeLoneVirtualHost({ body }: ResourceFragment): Uint8Array {
  return concatBytes(lengthDelimited(virtualHostsField, body));
}
