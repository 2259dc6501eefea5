// An Envoy message as the Resource that is served: encoded once, versioned by its content.
import { type DescMessage, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { contentHash } from "../kernel/hash.ts";
import type { ConfigRef } from "../xds/config-ref.ts";
import type { Resource, ResourceFragment, ResourceName } from "../xds/resource.ts";

export function resourceOf<D extends DescMessage>(
  schema: D,
  name: string,
  message: MessageShape<D>,
  sources: readonly ConfigRef[],
  needs?: readonly ResourceName[],
): Resource {
  const body = toBinary(schema, message);
  const typeUrl = `type.googleapis.com/${schema.typeName}`;
  const version = contentHash(body);
  return { typeUrl, name, version, body, sources: distinctRefs(sources), ...(needs === undefined ? {} : { needs }) };
}

/** Each object once, in order of first mention. */
export function distinctRefs(refs: readonly ConfigRef[]): readonly ConfigRef[] {
  return [...new Map(refs.map((ref) => [`${ref.kind}/${ref.namespace}/${ref.name}`, ref])).values()];
}

/** Equal bytes, made by the same objects: who is told of a rejection must be who caused it. */
export function sameResource(a: Resource, b: Resource): boolean {
  if (a === b) return true;
  if (a.version !== b.version || a.name !== b.name) return false;
  if (a.fragments !== undefined && b.fragments !== undefined) return sameFragments(a.fragments, b.fragments);
  return sameSources(a.sources, b.sources);
}

/** The same versions made by the same objects. Most fragments are the same objects themselves. */
export function sameFragments(a: readonly ResourceFragment[], b: readonly ResourceFragment[]): boolean {
  if (a === b) return true;
  return a.length === b.length && a.every((fragment, index) => isSameFragment(fragment, b[index]));
}

function isSameFragment(a: ResourceFragment, b: ResourceFragment | undefined): boolean {
  if (a === b) return true;
  return a.name === b?.name && a.version === b.version && sameSources(a.sources, b.sources);
}

export function sameSources(a: readonly ConfigRef[], b: readonly ConfigRef[]): boolean {
  return a.length === b.length && a.every((ref, index) => isSameRef(ref, b[index]));
}

function isSameRef(a: ConfigRef, b: ConfigRef | undefined): boolean {
  return a.name === b?.name && a.namespace === b.namespace && a.kind === b.kind;
}
