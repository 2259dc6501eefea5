// Substitution → the resource that is served in place of a rejected one
import { fromBinary } from "@bufbuild/protobuf";
import { VirtualHostSchema } from "../../gen/envoy/config/route/v3/route_components_pb.ts";
import type { ConfigRef } from "../xds/config-ref.ts";
import type { Resource, ResourceFragment } from "../xds/resource.ts";
import { type Substitution, substitutionKey } from "../xds/substitution.ts";
import { composeRouteConfiguration, encodeVirtualHost } from "./rds/route-configuration.ts";
import { composedResource } from "./resource-of.ts";

/** Finds a substitution by `substitutionKey`. */
export type FindSubstitution = (key: string) => Substitution | undefined;

/** Whose content is looked at. */
export interface Place {
  /** Key of the set. */
  readonly key: string;
  readonly envoyVersion: string;
}

/** The substitutions that apply to a resource: one of the whole, or those of its parts. */
export function substitutionsOf(resource: Resource, place: Place, find: FindSubstitution): Substitution[] {
  const { typeUrl, name, version, fragments = [] } = resource;
  const { envoyVersion } = place;
  const whole = find(substitutionKey({ envoyVersion, typeUrl, name, fragment: undefined, version }));
  if (whole !== undefined) return [whole];
  return fragments.flatMap((part) => {
    const found = find(substitutionKey({ envoyVersion, typeUrl, name, fragment: part.name, version: part.version }));
    return found === undefined ? [] : [found];
  });
}

/** The resource itself, or what is served in its place. */
export function substitute(resource: Resource, place: Place, find: FindSubstitution): Resource {
  const found = substitutionsOf(resource, place, find);
  const [first] = found;
  if (first === undefined) return resource;
  if (first.fragment === undefined) return (acceptedOf(first, resource, place) as Resource) ?? withheld(resource);
  const byName = new Map(found.map((each) => [each.fragment, each]));
  const parts = (resource.fragments ?? []).flatMap((part) => {
    const substitution = byName.get(part.name);
    return substitution === undefined ? [part] : acceptedPart(substitution, part, place);
  });
  const { typeUrl, name } = resource;
  return composedResource(typeUrl, name, composeRouteConfiguration(name, parts), parts);
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
function acceptedPart(substitution: Substitution, part: ResourceFragment, place: Place): ResourceFragment[] {
  const accepted = acceptedOf(substitution, part, place);
  if (accepted === undefined) return [];
  const virtualHost = fromBinary(VirtualHostSchema, accepted.body);
  const claimed = new Set(fromBinary(VirtualHostSchema, part.body).domains);
  const domains = virtualHost.domains.filter((domain) => claimed.has(domain));
  if (domains.length === virtualHost.domains.length) return [accepted];
  return domains.length === 0 ? [] : [encodeVirtualHost({ ...virtualHost, domains }, accepted.sources)];
}

function withheld({ typeUrl, name, version, sources }: Resource): Resource {
  return { typeUrl, name, version: `withheld:${version}`, body: new Uint8Array(), sources, withheld: true };
}
