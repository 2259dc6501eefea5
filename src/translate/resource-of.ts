// An Envoy message as the Resource that is served: encoded once, versioned by its content.
import { type DescMessage, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { contentHash } from "../kernel/hash.ts";
import type { ConfigRef } from "../xds/config-ref.ts";
import type { Resource, ResourceName } from "../xds/resource.ts";

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
  const version = contentHash(body);
  return { typeUrl, name, version, body, sources: distinctRefs(sources), ...(needs === undefined ? {} : { needs }) };
}

/** Each object once, in order of first mention. */
export function distinctRefs(refs: readonly ConfigRef[]): readonly ConfigRef[] {
  return [...new Map(refs.map((ref) => [`${ref.kind}/${ref.namespace}/${ref.name}`, ref])).values()];
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
