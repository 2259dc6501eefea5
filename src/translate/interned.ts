// One Resource object for equal content, so that views which happen to agree share the bytes.

import type { Resource } from "../xds/resource.ts";
import { sameResource } from "./resource-of.ts";

export class InternedResources {
  private readonly byVersion = new Map<string, WeakRef<Resource>>();
  private readonly freed = new FinalizationRegistry<string>((key) => {
    if (this.byVersion.get(key)?.deref() === undefined) this.byVersion.delete(key);
  });

  /** The resource itself, or one made before with the same bytes and the same makers. */
  share(resource: Resource): Resource {
    // What is composed has too many makers to be part of a key: they are compared instead.
    const makers =
      resource.fragments === undefined
        ? resource.sources.map((ref) => `${ref.kind}/${ref.namespace}/${ref.name}`).join(",")
        : "";
    const key = `${resource.typeUrl}\n${resource.name}\n${resource.version}\n${makers}`;
    const present = this.byVersion.get(key)?.deref();
    if (present !== undefined && sameResource(present, resource)) return present;
    this.byVersion.set(key, new WeakRef(resource));
    this.freed.register(resource, key);
    return resource;
  }

  /** Entries that are alive or not swept yet. */
  get size(): number {
    return this.byVersion.size;
  }
}
