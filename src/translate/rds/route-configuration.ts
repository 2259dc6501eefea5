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
  readonly domains: readonly string[];
}

export function encodeVirtualHost(virtualHost: VirtualHost, sources: readonly ConfigRef[]): VirtualHostFragment {
  const body = toBinary(VirtualHostSchema, virtualHost);
  return { name: virtualHost.name, version: contentHash(body), body, sources, domains: virtualHost.domains };
}

/** Field `virtual_hosts` of RouteConfiguration. */
const virtualHostsField = 2;

/** Everything of the route configuration but its virtual hosts. */
export function buildRouteConfigurationHead(name: string): RouteConfiguration {
  return create(RouteConfigurationSchema, {
    name,
    validateClusters: false,
    ignorePortInHostMatching: true,
    // The largest body a VirtualService may answer with itself.
    maxDirectResponseBodySizeBytes: 1 << 20,
  });
}

/**
 * Puts a route configuration together from encoded virtual hosts, without decoding them.
 *
 * @param fragments in order of name; their domains must not overlap
 * @returns the encoded message and a version made of the fragments' versions
 */
export function composeRouteConfiguration(
  name: string,
  fragments: readonly ResourceFragment[],
): { body: Uint8Array; version: string } {
  const head = toBinary(RouteConfigurationSchema, buildRouteConfigurationHead(name));
  const parts = fragments.flatMap((fragment) => lengthDelimited(virtualHostsField, fragment.body));
  return {
    body: concatBytes([head, ...parts]),
    version: contentHash(head, ...fragments.map((fragment) => fragment.version)),
  };
}
