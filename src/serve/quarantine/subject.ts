// What was rejected, and whether something holds it.
import type { Resource, ResourceFragment } from "../../xds/resource.ts";
import type { ServedSet } from "../../xds/substitution.ts";
import { typeUrls } from "../../xds/type-url.ts";

/** A resource, or one part of a composed one. */
export interface Subject {
  readonly typeUrl: string;
  readonly name: string;
  readonly fragment: string | undefined;
  readonly version: string;
  readonly envoyVersion: string;
}

/** Routes travel in two ways; their parts are the same. */
export function isRoute(typeUrl: string): boolean {
  return typeUrl === typeUrls.route || typeUrl === typeUrls.routePart;
}

export function partKey({ name, version }: ResourceFragment): string {
  return `${name}\n${version}`;
}

/** @param name of the route configuration */
export function partSubject(envoyVersion: string, name: string, part: ResourceFragment): Subject {
  return { envoyVersion, typeUrl: typeUrls.route, name, fragment: part.name, version: part.version };
}

/** Whether the set has the content, as made of the objects or as served. */
export function setHolds(set: ServedSet, subject: Subject, which: "made" | "served"): boolean {
  if (set.envoyVersion !== subject.envoyVersion) return false;
  const resource = set[which].get(subject.name);
  return resource !== undefined && holds(resource, set.typeUrl, subject);
}

export function holds(resource: Resource, typeUrl: string, subject: Subject): boolean {
  if (subject.fragment === undefined) return typeUrl === subject.typeUrl && resource.version === subject.version;
  if (!isRoute(typeUrl) || resource.name !== subject.name) return false;
  return (resource.fragments ?? []).some(
    ({ name, version }) => name === subject.fragment && version === subject.version,
  );
}
