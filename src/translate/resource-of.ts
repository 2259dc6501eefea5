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
  return encodedResource(`type.googleapis.com/${schema.typeName}`, name, toBinary(schema, message), sources, needs);
}

export function encodedResource(
  typeUrl: string,
  name: string,
  body: Uint8Array,
  sources: readonly ConfigRef[],
  needs?: readonly ResourceName[],
): Resource {
  return encodedResourceWithVersion(typeUrl, name, body, contentHash(body), sources, needs);
}

function encodedResourceWithVersion(
  typeUrl: string,
  name: string,
  body: Uint8Array,
  version: string,
  sources: readonly ConfigRef[],
  needs?: readonly ResourceName[],
): Resource {
  const refs = [...new Map(sources.map((ref) => [`${ref.kind}/${ref.namespace}/${ref.name}`, ref])).values()];
  return { typeUrl, name, version, body, sources: refs, ...(needs === undefined ? {} : { needs }) };
}

/** @param version a hash of the content: cheaper to make from the fragments' versions than from all bytes */
export function composedResource(
  typeUrl: string,
  name: string,
  { body, version }: { body: Uint8Array; version: string },
  fragments: readonly ResourceFragment[],
): Resource {
  const sources = fragments.flatMap((fragment) => fragment.sources);
  return { ...encodedResourceWithVersion(typeUrl, name, body, version, sources), fragments };
}

/** Equal bytes, made by the same objects: who is told of a rejection must be who caused it. */
export function sameResource(a: Resource, b: Resource): boolean {
  return a.version === b.version && a.name === b.name && sameSources(a.sources, b.sources);
}

export function sameSources(a: readonly ConfigRef[], b: readonly ConfigRef[]): boolean {
  return a.length === b.length && a.every((ref, index) => isSameRef(ref, b[index]));
}

function isSameRef(a: ConfigRef, b: ConfigRef | undefined): boolean {
  return a.name === b?.name && a.namespace === b.namespace && a.kind === b.kind;
}
