// What is served in place of content that proxies of one Envoy version rejected.
import type { ConfigRef } from "./config-ref.ts";
import type { ResourceSet } from "./generator.ts";
import type { Resource, ResourceFragment } from "./resource.ts";

export interface Substitution {
  readonly typeUrl: string;
  readonly name: string;
  /** Name of the part that is meant, where the resource is composed and only one part of it is; else undefined. */
  readonly fragment: string | undefined;
  /** Version of the rejected resource, or of the rejected part. */
  readonly version: string;
  /** Key of the one set that it is for, while it is being found out which part is meant; undefined for all sets. */
  readonly only: string | undefined;
  /** The version of Envoy that rejected it; empty where the proxies tell none. Others are served the content itself. */
  readonly envoyVersion: string;
  /**
   * The last accepted content, by the set that had it: proxies of different scopes may have had something different under
   * the same name. Where there is none, a part is left out and a whole resource is withheld.
   */
  readonly accepted: ReadonlyMap<string, Resource | ResourceFragment>;
  /** The proxies' words. */
  readonly message: string;
  /** The objects that made the rejected content. */
  readonly sources: readonly ConfigRef[];
}

/** Resources of one type that proxies with an equal scope, or of one workload, and of one Envoy version share. */
export interface ServedSet {
  /** That of its scope or workload and Envoy version: the same when it was gone in between, and for all its types. */
  readonly key: string;
  readonly typeUrl: string;
  readonly envoyVersion: string;
  /** What the objects make. */
  readonly made: ResourceSet;
  /** What proxies get. */
  readonly served: ResourceSet;
}

/** Finds the substitution of one resource, or of one part of it. */
export function substitutionKey(
  of: Pick<Substitution, "envoyVersion" | "typeUrl" | "name" | "fragment" | "version">,
  only?: string,
): string {
  const key = `${of.envoyVersion}\n${of.typeUrl}\n${of.name}\n${of.fragment ?? "\n"}\n${of.version}`;
  return only === undefined ? key : `${key}\n${only}`;
}
