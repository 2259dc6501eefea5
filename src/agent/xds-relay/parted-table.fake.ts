// Route configurations as our control plane has them: whole, and the same in parts.
import { create, toBinary } from "@bufbuild/protobuf";
import { VirtualHostSchema } from "../../../gen/envoy/config/route/v3/route_components_pb.ts";
import { RouteConfigurationSchema } from "../../../gen/envoy/config/route/v3/route_pb.ts";
import { RoutePartSchema } from "../../../gen/lateen/agent/v1/agent_pb.ts";
import { contentHash } from "../../kernel/hash.ts";
import { routeConfigurationVersion } from "../../xds/route-version.ts";
import type { FakeResource } from "./control-plane.fake.ts";

/** @param hosts name to a domain that makes the content */
export function wholeRoute(name: string, hosts: Readonly<Record<string, string>>): FakeResource {
  const virtualHosts = inOrder(hosts).map(virtualHost);
  const body = toBinary(RouteConfigurationSchema, create(RouteConfigurationSchema, { name, virtualHosts }));
  return { name, version: versionOf(name, hosts), body };
}

/** The head first, then the virtual hosts, last name first. */
export function partsOfRoute(name: string, hosts: Readonly<Record<string, string>>): FakeResource[] {
  const part = (partName: string, version: string, fields: Parameters<typeof create<typeof RoutePartSchema>>[1]) => ({
    name: partName,
    version,
    body: toBinary(RoutePartSchema, create(RoutePartSchema, fields)),
  });
  const version = versionOf(name, hosts);
  const head = part(name, version, { routeConfiguration: headBytes(name), contentVersion: version });
  const others = inOrder(hosts).map((host) => {
    const lone = create(RouteConfigurationSchema, { virtualHosts: [virtualHost(host)] });
    const routeConfiguration = toBinary(RouteConfigurationSchema, lone);
    return part(`${name}/${host[0]}`, hostVersion(host), { routeConfiguration, position: positionOf(host[0]) });
  });
  return [head, ...others.reverse()];
}

type Host = readonly [name: string, domain: string];

/** Not the order of the names, so that nobody can do with those. */
function positionOf(hostName: string): string {
  return [...hostName].reverse().join("");
}

function inOrder(hosts: Readonly<Record<string, string>>): Host[] {
  return Object.entries(hosts).sort(([a], [b]) => (positionOf(a) < positionOf(b) ? -1 : 1));
}

function virtualHost([name, domain]: Host) {
  return create(VirtualHostSchema, { name, domains: [domain] });
}

function hostVersion(host: Host): string {
  return contentHash(toBinary(VirtualHostSchema, virtualHost(host)));
}

function headBytes(name: string): Uint8Array {
  return toBinary(RouteConfigurationSchema, create(RouteConfigurationSchema, { name }));
}

function versionOf(name: string, hosts: Readonly<Record<string, string>>): string {
  return routeConfigurationVersion(headBytes(name), inOrder(hosts).map(hostVersion));
}
