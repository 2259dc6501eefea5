// VirtualService.spec.hosts → lateen.agent.v1.RoutePart
import { create, toBinary } from "@bufbuild/protobuf";
import { RoutePartSchema } from "../../../gen/lateen/agent/v1/agent_pb.ts";
import type { Resource, ResourceFragment } from "../../xds/resource.ts";
import { routePartName } from "../../xds/route-part-name.ts";
import { typeUrls } from "../../xds/type-url.ts";
import { ComposedResource, FragmentResource } from "../composed-resource.ts";
import { encodeLoneVirtualHost, type VirtualHostFragment } from "./route-configuration.ts";

/** What says which virtual hosts, in which versions, make the route configuration. */
export function buildRouteHeadPart(
  name: string,
  { head, version, fragments }: { head: Uint8Array; version: string; fragments: readonly ResourceFragment[] },
): Resource {
  const compose = (): Uint8Array =>
    toBinary(RoutePartSchema, create(RoutePartSchema, { routeConfiguration: head, contentVersion: version }));
  // Nobody's: who made what became different is said by the virtual hosts that travel with it.
  return new ComposedResource({ typeUrl: typeUrls.routePart, name, version, compose }, fragments, []);
}

/** @param routeName of the route configuration that the virtual host is in */
export function buildVirtualHostPart(routeName: string, fragment: VirtualHostFragment): Resource {
  const { name, position, version, sources } = fragment;
  const compose = (): Uint8Array =>
    toBinary(
      RoutePartSchema,
      create(RoutePartSchema, { routeConfiguration: encodeLoneVirtualHost(fragment), position }),
    );
  const content = { typeUrl: typeUrls.routePart, name: routePartName(routeName, name), version, compose };
  return new FragmentResource(content, sources);
}
