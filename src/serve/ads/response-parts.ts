// DeltaDiscoveryResponse and DiscoveryResponse (envoy/service/discovery/v3/discovery.proto) as pieces of bytes that many
// streams share: a resource's head is encoded once per content and its body never.
import { utf8 } from "../../kernel/bytes.ts";
import { RecentMap } from "../../kernel/recent-map.ts";
import type { Resource } from "../../xds/resource.ts";
import { encodeFields, encodeHead, type Field } from "./proto-writer.ts";

/** One gRPC message, in pieces to be sent in order. */
export interface ResponseParts {
  readonly parts: readonly Uint8Array[];
  /** Length of the gRPC frame, bytes. */
  readonly length: number;
}

export interface DeltaResponse {
  readonly typeUrl: string;
  readonly nonce: string;
  readonly systemVersion: string;
  readonly removed: readonly string[];
}

export interface SotwResponse {
  readonly typeUrl: string;
  readonly nonce: string;
  readonly version: string;
}

/** Compressed flag and length of a gRPC message (gRPC over HTTP/2, Length-Prefixed-Message). */
const prefixLength = 5;

/** Which of the two messages the resources are for: they wrap them differently. */
export type Variant = "delta" | "sotw";

/** @param resources the pieces that `resourceParts` or a SharedSections made for the delta variant */
export function deltaResponse(response: DeltaResponse, resources: readonly Uint8Array[]): ResponseParts {
  const nonce = utf8(response.nonce);
  return frame(resources, [
    [1, response.systemVersion === response.nonce ? nonce : response.systemVersion],
    [4, typeBytes(response.typeUrl)],
    [5, nonce],
    ...response.removed.map((name): Field => [6, name]),
  ]);
}

/** @param resources the pieces that `resourceParts` or a SharedSections made for the SotW variant */
export function sotwResponse(response: SotwResponse, resources: readonly Uint8Array[]): ResponseParts {
  return frame(resources, [
    [1, response.version],
    [4, typeBytes(response.typeUrl)],
    [5, response.nonce],
  ]);
}

const heads: Record<Variant, WeakMap<Resource, Uint8Array>> = { delta: new WeakMap(), sotw: new WeakMap() };

/** The resources as repeated fields of a response: for each its head and its body. */
export function resourceParts(resources: readonly Resource[], variant: Variant): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (const resource of resources) {
    let head = heads[variant].get(resource);
    if (head === undefined) {
      head = variant === "delta" ? deltaHead(resource) : sotwHead(resource);
      heads[variant].set(resource, head);
    }
    parts.push(head, resource.body);
  }
  return parts;
}

/** `resources = Resource{version, name, resource = Any{type_url, value}}`, up to the value. */
function deltaHead({ typeUrl, name, version, body }: Resource): Uint8Array {
  const any = encodeHead([[1, typeUrl]], { number: 2, length: body.length });
  const named = encodeHead(
    [
      [1, version],
      [3, name],
    ],
    { number: 2, length: any.length + body.length },
  );
  const field = encodeHead([], { number: 2, length: named.length + any.length + body.length });
  return join([field, named, any]);
}

/** `resources = Any{type_url, value}`, up to the value. */
function sotwHead({ typeUrl, body }: Resource): Uint8Array {
  const any = encodeHead([[1, typeUrl]], { number: 2, length: body.length });
  return join([encodeHead([], { number: 2, length: any.length + body.length }), any]);
}

/** Puts gRPC's prefix and the stream's own fields before the shared pieces; protobuf does not mind the order. */
function frame(shared: readonly Uint8Array[], own: readonly Field[]): ResponseParts {
  const head = encodeFields(own, prefixLength);
  const length = shared.reduce((sum, part) => sum + part.length, head.length);
  new DataView(head.buffer).setUint32(1, length - prefixLength);
  return { parts: [head, ...shared], length };
}

/** Most streams are sent the same few types again and again. */
const encodedTypes = new RecentMap<string, Uint8Array>(64);

function typeBytes(typeUrl: string): Uint8Array {
  let bytes = encodedTypes.get(typeUrl);
  if (bytes === undefined) {
    bytes = utf8(typeUrl);
    encodedTypes.set(typeUrl, bytes);
  }
  return bytes;
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
