// Substitution → the resource that is served in place of a rejected one
import { fromBinary } from "@bufbuild/protobuf";
import { VirtualHostSchema } from "../../gen/envoy/config/route/v3/route_components_pb.ts";
import { RoutePartSchema } from "../../gen/lateen/agent/v1/agent_pb.ts";
import type { ConfigRef } from "../xds/config-ref.ts";
import type { Resource, ResourceFragment } from "../xds/resource.ts";
import { routeConfigurationVersion } from "../xds/route-version.ts";
import { type Substitution, substitutionKey } from "../xds/substitution.ts";
import { typeUrls } from "../xds/type-url.ts";
import { ComposedResource } from "./composed-resource.ts";
import {
  composeRouteConfiguration,
  encodeRouteConfigurationHead,
  encodeVirtualHost,
  type VirtualHostFragment,
} from "./rds/route-configuration.ts";
import { buildRouteHeadPart, buildVirtualHostPart } from "./rds/route-part.ts";

/** Finds a substitution by `substitutionKey`. */
export type FindSubstitution = (key: string) => Substitution | undefined;

/** Whose content is looked at. */
export interface Place {
  /** Key of the set. */
  readonly key: string;
  readonly envoyVersion: string;
}

/** Names under which a set of the type has what the substitution concerns: routes travel in two ways. */
export function namesConcerned(
  { envoyVersion, only, typeUrl, name, fragment }: Substitution,
  place: Place,
  ofType: string,
): string[] {
  if (envoyVersion !== place.envoyVersion || (only !== undefined && only !== place.key)) return [];
  if (typeUrl === ofType) return [name];
  if (ofType !== typeUrls.routePart || typeUrl !== typeUrls.route || fragment === undefined) return [];
  return [name, `${name}/${fragment}`];
}

/** The substitutions that apply to a resource: one of the whole, or those of its parts. */
export function substitutionsOf(resource: Resource, place: Place, find: FindSubstitution): Substitution[] {
  const { typeUrl, name, version, fragments } = resource;
  const { envoyVersion } = place;
  if (fragments !== undefined) {
    return fragments.flatMap((part) => partSubstitution(name, part.name, part.version, place, find) ?? []);
  }
  if (typeUrl === typeUrls.routePart) {
    const [routeName, hostName] = splitPartName(name);
    return [partSubstitution(routeName, hostName, version, place, find) ?? []].flat();
  }
  return [find(substitutionKey({ envoyVersion, typeUrl, name, fragment: undefined, version })) ?? []].flat();
}

/** The resource itself, what is served in its place, or undefined where nothing is. */
export function substitute(resource: Resource, place: Place, find: FindSubstitution): Resource | undefined {
  const found = substitutionsOf(resource, place, find);
  const [first] = found;
  if (first === undefined) return resource;
  if (resource.fragments !== undefined) return recompose(resource, found, place);
  if (resource.typeUrl === typeUrls.routePart) return replacePart(resource, first, place);
  return (acceptedOf(first, resource, place) as Resource | undefined) ?? withheld(resource);
}

function partSubstitution(
  name: string,
  fragment: string,
  version: string,
  { envoyVersion, key }: Place,
  find: FindSubstitution,
): Substitution | undefined {
  const part = { envoyVersion, typeUrl: typeUrls.route, name, fragment, version };
  return find(substitutionKey(part)) ?? find(substitutionKey(part, key));
}

/** `80/reviews.shop.svc.cluster.local:80`; names of route configurations hold no slash. */
function splitPartName(name: string): [routeName: string, hostName: string] {
  const at = name.indexOf("/");
  return [name.slice(0, at), name.slice(at + 1)];
}

function recompose(resource: Resource, found: readonly Substitution[], place: Place): Resource {
  const { typeUrl, name } = resource;
  const byName = new Map(found.map((each) => [each.fragment, each]));
  // Fragments of route configurations are virtual hosts with a position.
  const fragments = (resource.fragments as readonly VirtualHostFragment[]).flatMap((part) => {
    const substitution = byName.get(part.name);
    if (substitution === undefined) return [part];
    const accepted = acceptedPart(substitution, part, place);
    return accepted === undefined ? [] : [{ ...accepted, position: part.position }];
  });
  const head = encodeRouteConfigurationHead(name);
  const version = routeConfigurationVersion(
    head,
    fragments.map((fragment) => fragment.version),
  );
  if (typeUrl === typeUrls.routePart) return buildRouteHeadPart(name, { head, version, fragments });
  const compose = (): Uint8Array => composeRouteConfiguration(head, fragments);
  return new ComposedResource({ typeUrl, name, version, compose }, fragments);
}

function replacePart(resource: Resource, substitution: Substitution, place: Place): Resource | undefined {
  const { routeConfiguration, position } = fromBinary(RoutePartSchema, resource.body);
  const [routeName] = splitPartName(resource.name);
  // One virtual host and nothing else: a tag, its length and its bytes.
  const body = loneVirtualHost(routeConfiguration);
  const accepted = acceptedPart(substitution, { ...resource, body }, place);
  return accepted === undefined ? undefined : buildVirtualHostPart(routeName, { ...accepted, position });
}

/** The bytes of the only field of a message, which is delimited by its length. */
function loneVirtualHost(message: Uint8Array): Uint8Array {
  let at = 1;
  while (((message[at] ?? 0) & 0x80) !== 0) at += 1;
  return message.subarray(at + 1);
}

/**
 * What the set had itself; else what another one had, where the objects that made it are among those that make the present
 * content: a proxy must not see what was never meant for it.
 */
function acceptedOf(
  { accepted }: Substitution,
  { sources }: { readonly sources: readonly ConfigRef[] },
  { key }: Place,
): Resource | ResourceFragment | undefined {
  const own = accepted.get(key);
  if (own !== undefined) return own;
  const isVisible = ({ kind, namespace, name }: ConfigRef): boolean =>
    sources.some((ref) => ref.kind === kind && ref.namespace === namespace && ref.name === name);
  for (const other of accepted.values()) if (other.sources.every(isVisible)) return other;
  return undefined;
}

/** Without domains that the rejected part does not claim: another part may have them now, and Envoy takes none twice. */
function acceptedPart(
  substitution: Substitution,
  part: Pick<ResourceFragment, "body" | "sources">,
  place: Place,
): ResourceFragment | undefined {
  const accepted = acceptedOf(substitution, part, place) as ResourceFragment | undefined;
  if (accepted === undefined) return undefined;
  const virtualHost = fromBinary(VirtualHostSchema, accepted.body);
  const claimed = new Set(fromBinary(VirtualHostSchema, part.body).domains);
  const domains = virtualHost.domains.filter((domain) => claimed.has(domain));
  if (domains.length === virtualHost.domains.length) return accepted;
  return domains.length === 0 ? undefined : encodeVirtualHost({ ...virtualHost, domains }, "", accepted.sources);
}

function withheld({ typeUrl, name, version, sources }: Resource): Resource {
  return { typeUrl, name, version: `withheld:${version}`, body: new Uint8Array(), sources, withheld: true };
}
